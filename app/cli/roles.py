"""The recipe that the model options of a command line describe."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.checkpoints.formats.gguf_files import source_of_path
from app.checkpoints.recipes.recipe_file import DEFAULT_RECIPE, find_recipe
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.errors import RecipeError

_KINDS = ("folder:", "builtin:", "hub:", "gguf:", "adapter:")
_PLACEMENT = ("device", "dtype", "quantization", "engine", "gpu_layers", "kv_cache")
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


def chosen_recipe(options: argparse.Namespace, default: Recipe | None = None) -> Recipe:
    """The recipe named by the options, with their alphas, device, dtype and engine.

    Args:
        options: The options.
        default: The recipe if the options name no model; by default the demo.

    Raises:
        RecipeError: The options contradict each other, or the recipe does not exist.
    """
    if options.base is None:
        if options.expert or options.antiexpert:
            raise RecipeError("--expert and --antiexpert need --base")
        if options.recipe is None and default is not None:
            recipe = default
        else:
            recipe = find_recipe(options.recipe or DEFAULT_RECIPE)
    elif options.recipe is not None:
        raise RecipeError("--recipe cannot be combined with --base", next_step="Give one of them.")
    else:
        recipe = recipe_of_roles(options.base, options.expert, options.antiexpert)
    if len(options.alpha) > len(recipe.pairs):
        raise RecipeError(
            "There are more alphas than expert pairs",
            evidence=f"{len(options.alpha)} alphas, {len(recipe.pairs)} pairs",
        )
    recipe = recipe.with_alphas((*options.alpha, *recipe.alphas[len(options.alpha) :]))
    return with_placement(recipe, options)


def with_placement(recipe: Recipe, options: argparse.Namespace) -> Recipe:
    """``recipe`` with the placement and engine of the options, where given, for every role."""
    named = {name: getattr(options, name) for name in _PLACEMENT}
    given = {name: value for name, value in named.items() if value is not None}
    for place, spec in enumerate(recipe.checkpoints()):
        recipe = recipe.with_role(place, replace(spec, **given))
    return recipe


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
