"""The mark that tells the next start whether the window ended as it should."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.running import RunningMark

pytestmark = pytest.mark.process

CHILD = """
import sys, signal
from pathlib import Path
from app.running import RunningMark
mark = RunningMark(Path(sys.argv[1]))
print(mark.begin(), flush=True)
sys.stdin.read()
mark.end()
"""


def start(folder: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout
    child.told = child.stdout.readline().strip()  # type: ignore[attr-defined]
    return child


def told(child: subprocess.Popen[str]) -> str:
    return str(child.told)  # type: ignore[attr-defined]


def test_a_window_that_was_killed_is_told_once(tmp_path: Path) -> None:
    killed = start(tmp_path)
    assert told(killed) == "False"
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    mark = RunningMark(tmp_path)
    assert mark.begin()
    mark.end()
    assert not mark.begin()
    mark.end()
    assert list(tmp_path.iterdir()) == []


def test_two_windows_at_once_are_no_crash(tmp_path: Path) -> None:
    first, second = start(tmp_path), start(tmp_path)
    assert (told(first), told(second)) == ("False", "False")
    first.communicate()
    second.communicate()
    assert list(tmp_path.iterdir()) == []


def test_the_number_of_the_process_may_be_anothers_now(tmp_path: Path) -> None:
    (tmp_path / f"running-{os.getppid()}").write_text("")
    mark = RunningMark(tmp_path)
    assert mark.begin()
    mark.end()


def test_a_folder_that_cannot_be_written_tells_nothing(tmp_path: Path) -> None:
    mark = RunningMark(tmp_path / "missing")
    assert not mark.begin()
    mark.end()


def test_a_clock_that_is_set_is_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system says of when processes began moves with its clock."""
    other = start(tmp_path)
    monkeypatch.setattr("psutil.Process.create_time", lambda self: 1.0)
    monkeypatch.setattr("time.time", lambda: 1.0)
    mark = RunningMark(tmp_path)
    assert not mark.begin()
    mark.end()
    assert [file.name for file in tmp_path.iterdir()] == [f"running-{other.pid}"]
    other.communicate()
    assert list(tmp_path.iterdir()) == []
