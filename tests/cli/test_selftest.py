"""The self-test passes on this installation and fails on a broken one."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from app.__main__ import main
from app.cli import selftest_command
from app.decoding.llama_cpp.library import is_installed
from app.errors import ModelError


@pytest.mark.process
def test_the_selftest_passes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "selftest"],
        env={**os.environ, "QT_QPA_PLATFORM": "none such"},  # it asks for no screen
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *lines, last = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["ok"] * 4
    assert "24 tokens" in done.stdout
    wanted = "ok      llama.cpp decodes: .*cpu" if is_installed() else "skipped llama.cpp decodes"
    assert re.match(wanted, last)


def test_the_selftest_names_failures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> str:
        raise ModelError("The window is empty") from ImportError("no module")

    monkeypatch.setattr(selftest_command, "_draw_window", broken)
    monkeypatch.setattr(selftest_command._Selftest, "decode", lambda self, history: 1 / 0)
    assert main(["selftest"]) == 1
    told = capsys.readouterr().out
    assert "FAILED  the demo decodes: ZeroDivisionError" in told
    assert "FAILED  the window is drawn: The window is empty." in told
    assert "\n        because of ImportError" in told
