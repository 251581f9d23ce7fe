"""Models with chat templates, for the commands that hold conversations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.checkpoints.spec import Recipe
from tests import tiny


@pytest.fixture
def chat_recipe(llama: tiny.Family, tmp_path: Path) -> Recipe:
    """A base that has no chat template, and a pair that has one."""
    plain = llama.recipe(0.8)
    expert = tiny.with_chat_template(llama.expert, tmp_path / "expert")
    antiexpert = tiny.with_chat_template(llama.antiexpert, tmp_path / "antiexpert")
    pair = replace(plain.pairs[0], expert=expert, antiexpert=antiexpert)
    return replace(plain, pairs=(pair,))


@pytest.fixture
def chat_models(chat_recipe: Recipe) -> list[str]:
    folders = [spec.source.removeprefix("folder:") for spec in chat_recipe.checkpoints()]
    named = [
        part
        for role, folder in zip(("base", "expert", "antiexpert"), folders, strict=True)
        for part in (f"--{role}", folder)
    ]
    options = ["--alpha", "0.8", "--dtype", "float32", "--no-proof", "--max-new-tokens", "6"]
    return ["chat", *named, *options]
