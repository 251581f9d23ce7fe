"""Completions for shells: the scripts, and what the program answers to them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.__main__ import main


def completions(line: str, folder: Path) -> set[str]:
    """What a script is told when Tab is pressed at the end of ``line``."""
    answers = folder / "answers"
    asking = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answers),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    command = [sys.executable, "-m", "app"]
    root = Path(__file__).parents[2]
    env = {**os.environ, **asking, "PYTHONPATH": str(root)}
    subprocess.run(command, env=env, cwd=folder, check=True, capture_output=True)
    return {part.strip() for part in answers.read_text().split("\n")}


@pytest.mark.process
@pytest.mark.slow
def test_commands_options_and_recipes_are_completed(tmp_path: Path) -> None:
    (tmp_path / "own.toml").touch()
    (tmp_path / "other.txt").touch()
    assert {"generate", "chat", "cache"} <= completions("tuneshift ", tmp_path)
    assert completions("tuneshift serve --allow", tmp_path) == {"--allow-origin"}
    assert completions("tuneshift cache cl", tmp_path) == {"clear"}
    found = completions("tuneshift generate --recipe ", tmp_path)
    assert {"demo", "own.toml"} <= found
    assert "other.txt" not in found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_valid(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "tuneshift" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_an_unknown_shell_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "ksh"]) == 2
    assert "bash" in capsys.readouterr().err
