"""The log of the window, in processes of their own: it changes what belongs to the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_STATE_HOME": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=240
    )


def test_what_the_program_and_its_libraries_say_is_in_the_file(tmp_path: Path) -> None:
    code = """
import logging, warnings
from app.logs import log_file, start_logging
start_logging()
logging.getLogger("app.somewhere").info("loaded")
logging.getLogger("library").info("chatter")
logging.getLogger("library").warning("strange")
warnings.warn("old")
print(log_file())
"""
    done = run(code, tmp_path)
    text = Path(done.stdout.strip()).read_text(encoding="utf-8")
    assert "loaded" in text
    assert "strange" in text
    assert "old" in text
    assert "chatter" not in text
    assert done.stderr == ""


def test_a_crash_of_the_process_leaves_its_stack(tmp_path: Path) -> None:
    code = """
import os, signal
from app.logs import log_file, start_logging
crashes = start_logging()
print(log_file(), flush=True)
os.kill(os.getpid(), signal.SIGSEGV)
"""
    done = run(code, tmp_path)
    assert done.returncode == -signal.SIGSEGV
    crashes = Path(done.stdout.strip()).with_name("crash.log").read_text(encoding="utf-8")
    assert "Segmentation fault" in crashes


def test_a_folder_that_cannot_be_written_means_no_log(tmp_path: Path) -> None:
    code = """
from app import logs
logs.log_folder = lambda: __import__("pathlib").Path("/proc/none")
print(logs.start_logging())
"""
    assert run(code, tmp_path).stdout.strip() == "None"


def test_a_program_without_streams_gets_some(tmp_path: Path) -> None:
    code = """
import sys
out = sys.stdout
sys.stdout = sys.stderr = None
from app.logs import redirect_missing_streams, log_folder
redirect_missing_streams()
print("printed")
print("complained", file=sys.stderr)
out.write(str(log_folder() / "output.log"))
"""
    done = run(code, tmp_path)
    assert Path(done.stdout.strip()).read_text(encoding="utf-8") == "printed\ncomplained\n"
