"""Output on streams with any encoding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.history.database import Database

pytestmark = pytest.mark.process

NAME = "α “quoted” 한국어"
SHOWN = {"ascii": b"\\u03b1", "cp1252": b"\\u03b1", "utf-8": "α".encode()}


@pytest.mark.parametrize("encoding", SHOWN)
def test_unencodable_characters_are_escaped(encoding: str) -> None:
    code = (
        "from app.cli import output; output.configure_streams(); "
        f"print({NAME!r}); raise SystemExit(output.flush_stdout(0))"
    )
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(SHOWN[encoding])


COMMANDS = {
    "check": ["check", "--recipe", "demo"],
    "inspect": ["inspect", "--list"],
    "chat": ["chat", "--no-proof", "--max-new-tokens", "3"],
    "generate": ["generate", "--no-proof", "--max-new-tokens", "3"],
    "bench": ["bench", "--no-proof", "--tokens", "2", "--repeats", "1", "--turns", "0"],
    "eval": ["eval", "--no-proof", "--tasks", "demo-form", "--limit", "1", "--output", "OUTPUT"],
    "serve": ["serve", "--no-proof", "--port", "0"],
    "cache": ["cache"],
    "completion": ["completion", "bash"],
}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("closed", [False, True])
def test_output_that_cannot_be_written_is_one_line_or_none(
    command: str, closed: bool, tmp_path: Path
) -> None:
    if not (closed or Path("/dev/full").exists()):
        pytest.skip("there is no /dev/full")
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path)}
    if command == "inspect":
        Database(tmp_path / "tuneshift" / "history.sqlite3")
    if closed:
        reader, output = os.pipe()
        os.close(reader)
    else:
        output = os.open("/dev/full", os.O_WRONLY)
    options = [str(tmp_path) if part == "OUTPUT" else part for part in COMMANDS[command]]
    done = subprocess.run(
        [sys.executable, "-m", "app", *options],
        env=environment,
        input=b"the king\n",
        stdout=output,
        stderr=subprocess.PIPE,
        timeout=240,
    )
    os.close(output)
    full = b"tuneshift: The output cannot be written. No space left on device.\n"
    assert (done.returncode, done.stderr) == ((1, b"") if closed else (2, full))
