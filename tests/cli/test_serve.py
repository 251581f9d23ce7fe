"""``tuneshift serve`` as a process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from app.checkpoints.recipes.recipe_file import write_recipe
from app.checkpoints.spec import Recipe

KEY = "secret-key"


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_serve_answers_until_interrupted(tiny_recipe: Recipe, tmp_path: Path) -> None:
    write_recipe(tiny_recipe, tmp_path / "r.toml")
    command = [sys.executable, "-m", "app", "serve", "--recipe", str(tmp_path / "r.toml")]
    process = subprocess.Popen(
        [*command, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TUNESHIFT_SERVE_KEY": KEY},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"Serving “tiny” at (http://127\.0\.0\.1:\d+/v1)\n", line)
        assert found, line + process.communicate()[1]
        assert httpx2.get(f"{found[1]}/models", timeout=240).status_code == 401
        answer = httpx2.post(
            f"{found[1]}/completions",
            json={"prompt": "the king", "max_tokens": 3},
            headers={"authorization": f"Bearer {KEY}"},
            timeout=240,
        )
        assert answer.json()["usage"]["completion_tokens"] <= 3
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=240)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert KEY not in out + errors


def test_missing_libraries_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.__main__ import main

    for name in [name for name in sys.modules if name.startswith("app.server")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    assert main(["serve"]) == 2
    assert "pip install 'tuneshift[serve]'" in capsys.readouterr().err


@pytest.mark.parametrize("size", ["-1", "1048577"])
def test_memory_for_earlier_texts_has_a_range(
    size: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.__main__ import main

    assert main(["serve", "--prefix-cache", size]) == 2
    assert "--prefix-cache must be from 0 to 1,048,576 MiB" in capsys.readouterr().err
