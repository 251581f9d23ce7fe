"""Recipes whose pair has another vocabulary than the base."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.checkpoints.spec import ExpertPair, Recipe
from tests import tiny
from tests.decoding.bridge.two_vocabularies import tokenizer


def bridged_recipe(family: tiny.Family, folder: Path) -> Recipe:
    """A base of one vocabulary, and a pair of another with a chat template.

    Args:
        family: Its base is that of the recipe.
        folder: An empty folder, where the checkpoints of the pair are written.
    """
    other = tokenizer(300, 2)
    folders = [
        tiny.save(tiny.make_model("llama", seed, other.get_vocab_size()), folder / name, other)
        for seed, name in ((5, "expert"), (6, "antiexpert"))
    ]
    specs = [tiny.with_chat_template(each, folder / f"chat-{each.name}") for each in folders]
    return replace(family.recipe(), pairs=(ExpertPair("A", *specs),))
