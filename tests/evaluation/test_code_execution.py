"""Programs that pass, that fail, and that try what is forbidden."""

from __future__ import annotations

import fcntl
import socket
import tracemalloc
from pathlib import Path

import pytest

from app.errors import EvaluationError
from app.evaluation.code_execution import Limits, passes

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def can_be_apart() -> None:
    try:
        passes("pass")
    except EvaluationError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("program", "right"),
    [
        ("def f(x):\n    return x + 1\nassert f(1) == 2", True),
        ("print('한국 text')", True),
        ("assert 1 == 2", False),
        ("def f(:", False),
        ("raise SystemExit(0)", False),
        ("import os; os._exit(0)", False),
        ("import sys; sys.exit()", False),
        ("bytearray(2 << 30)", False),
        ("open('big', 'wb').write(bytes(2 << 20))", False),
        (
            "open('small', 'wb').write(bytes(9)); assert open('small', 'rb').read() == bytes(9)",
            True,
        ),
    ],
)
def test_passing_and_failing_programs(program: str, right: bool) -> None:
    assert passes(program, Limits(seconds=60)) == right


def test_programs_have_no_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        connect = f"import socket; socket.create_connection(('127.0.0.1', {port}), 1)"
        assert not passes(connect)
        unreachable = f"try:\n    {connect}\nexcept OSError:\n    pass\nelse:\n    raise Exception"
        assert passes(unreachable, Limits(seconds=60))


@pytest.mark.parametrize("program", ["while True: pass", "import time; time.sleep(600)"])
def test_time_is_limited(program: str) -> None:
    assert not passes(program, Limits(seconds=1))


def test_child_processes_are_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    program = f"""
import fcntl, os, time
locked, told = os.pipe()
if os.fork() == 0:
    os.setsid()
    file = open({str(path)!r}, "w")
    fcntl.flock(file, fcntl.LOCK_EX)
    os.write(told, b"x")
    time.sleep(600)
os.read(locked, 1)
"""
    assert passes(program, Limits(seconds=60))
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # which fails while another holds it


def test_nothing_is_run_on_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(EvaluationError, match="was not run"):
        passes("pass")


@pytest.mark.parametrize("end", ["", "raise ValueError"])
def test_only_the_end_of_the_output_is_kept_in_memory(end: str) -> None:
    program = f"import sys\nfor _ in range(32):\n    sys.stdout.write('x' * (1 << 20))\n{end}"
    tracemalloc.start()
    try:
        assert passes(program, Limits(seconds=60)) is not bool(end)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20


def test_a_program_that_closes_its_output_is_stopped_too() -> None:
    assert not passes("import os\nos.close(1)\nwhile True: pass", Limits(seconds=1))
