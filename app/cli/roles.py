"""The recipe that the model options of a command line describe."""

from __future__ import annotations

import argparse
from dataclasses import replace

from app.checkpoints.recipes.recipe_file import DEFAULT_RECIPE, find_recipe
from app.checkpoints.recipes.recipe_of_models import recipe_of_roles
from app.checkpoints.spec import Recipe
from app.errors import RecipeError

_PLACEMENT = ("device", "dtype", "quantization", "engine", "gpu_layers", "kv_cache")


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
