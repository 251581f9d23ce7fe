"""Loaded tiny recipes and their variants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.evaluation.loading import ModelLoader
from tests import tiny

Load = Callable[[str], LoadedRecipe]

TEMPLATE = "thou art {prompt} , and"
"""A prompt format that makes the prompt of the expert longer than the others'."""


def two_pairs(family: tiny.Family) -> Recipe:
    """Two pairs that share an anti-expert; the first expert has a prompt format of its own."""
    expert, anti = tiny.spec(family.expert), tiny.spec(family.antiexpert)
    return replace(
        family.recipe(),
        pairs=(
            ExpertPair("Style", replace(expert, prompt=TEMPLATE), anti, 0.8),
            ExpertPair("Mood", CheckpointSpec(f"folder:{family.base}", dtype="float32"), anti, 1.5),
        ),
    )


@pytest.fixture(scope="session")
def load(families: dict[str, tiny.Family]) -> Load:
    """The loaded recipe of two pairs, of each architecture once."""
    cached: dict[str, LoadedRecipe] = {}

    def loaded(architecture: str) -> LoadedRecipe:
        if architecture not in cached:
            cached[architecture] = ModelLoader().load(two_pairs(families[architecture]))
        return cached[architecture]

    return loaded
