"""What a person's environment holds goes into no log, history, recipe or export."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from app.__main__ import main
from app.checkpoints.recipes.recipe_file import write_recipe
from app.checkpoints.spec import Recipe
from app.history.export.formats import FORMATS

pytestmark = pytest.mark.unit

SECRETS = {
    "HF_TOKEN": "hf_secret_of_the_hub",
    "HUGGING_FACE_HUB_TOKEN": "hf_secret_of_old",
    "OPENAI_API_KEY": "sk-secret-of-openai",
    "TUNESHIFT_API_KEY_GPU_8000": "sk-secret-of-a-host",
    "TUNESHIFT_SERVE_KEY": "sk-secret-of-the-server",
}


@pytest.mark.slow
def test_a_run_and_its_exports_hold_no_secret(
    tiny_recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    caplog.set_level(logging.DEBUG)
    write_recipe(tiny_recipe, tmp_path / "recipe.toml")
    asked = ["generate", "12", "--recipe", str(tmp_path / "recipe.toml"), "--max-new-tokens", "3"]
    assert main([*asked, "--save"]) == 0
    assert main([*asked, "--json"]) == 0
    for name in FORMATS:
        output = str(tmp_path / f"export.{name}")
        assert main(["inspect", "last", "--format", name, "--output", output]) == 0
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "history.sqlite3" for path in files)
    said = [caplog.text.encode(), *(text.encode() for text in capsys.readouterr())]
    for content in (*said, *(path.read_bytes() for path in files)):
        for secret in SECRETS.values():
            assert secret.encode() not in content
