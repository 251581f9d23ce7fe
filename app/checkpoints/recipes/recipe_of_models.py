"""Recipes of models that are named by arguments, such as folders or ``hub:OWNER/NAME``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from app.checkpoints.formats.gguf_files import source_of_path
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.errors import RecipeError

_KINDS = ("folder:", "builtin:", "hub:", "gguf:", "adapter:")
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")


def recipe_of_roles(base: str, experts: Sequence[str], antiexperts: Sequence[str]) -> Recipe:
    """A recipe with a base and one pair for each expert and anti-expert.

    Raises:
        RecipeError: A model name is invalid, or the numbers of experts and anti-experts differ.
    """
    if not experts and not antiexperts:
        raise RecipeError(
            "The base has no expert pair",
            next_step="Name an expert and an anti-expert.",
        )
    if len(experts) != len(antiexperts):
        raise RecipeError(
            "Every expert needs an anti-expert",
            evidence=f"experts: {len(experts)}, anti-experts: {len(antiexperts)}",
            next_step="Name both models of each pair.",
        )
    tuned = spec_of(base)
    pairs = tuple(
        ExpertPair(_name(expert), spec_of(expert, antiexpert), spec_of(antiexpert))
        for expert, antiexpert in zip(experts, antiexperts, strict=True)
    )
    return Recipe(name=_name(base), base=tuned, pairs=pairs)


def spec_of(argument: str, adapter_base: str = "") -> CheckpointSpec:
    """The checkpoint that a model argument names.

    Args:
        argument: The argument.
        adapter_base: The model that an adapter adapts.

    Raises:
        RecipeError: The argument is invalid.
    """
    source = _source(argument)
    return CheckpointSpec(
        source, over=_source(adapter_base) if adapter_base and source.startswith("adapter:") else ""
    )


def _source(argument: str) -> str:
    """The source for a model argument. A bare path is a GGUF file or a folder."""
    if argument.startswith(_KINDS):
        return argument
    if _HUB_NAME.fullmatch(argument) and not Path(argument).exists():
        raise RecipeError(
            f"The folder {argument} does not exist",
            next_step=f"For a model on the Hub, write hub:{argument}",
        )
    return source_of_path(argument)


def _name(argument: str) -> str:
    return argument.rstrip("/").replace(":", "/").rsplit("/", 1)[-1]
