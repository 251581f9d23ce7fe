"""A recipe with all its models in another dtype or quantization, for comparisons."""

from __future__ import annotations

from dataclasses import replace

from app.checkpoints.engine_choice import engine_of
from app.checkpoints.engine_options import LLAMA_CPP
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.errors import RecipeError

WEIGHTS = ("float32", "bfloat16", "float16", "int8", "nf4")
"""The dtypes and quantizations that models can be loaded in."""
_QUANTIZATIONS = ("int8", "nf4")


def requantized(recipe: Recipe, weights: str) -> Recipe:
    """The recipe with every model in one of :data:`WEIGHTS`.

    Models behind an endpoint, and GGUF files that llama.cpp reads, stay as they are: their
    weights are not converted while they are loaded.

    Raises:
        RecipeError: There is no such choice, or no model can be loaded in it.
    """
    if weights not in WEIGHTS:
        raise RecipeError(
            f"Models cannot be loaded as “{weights}”",
            next_step=f"Choose one of {', '.join(WEIGHTS)}.",
        )
    changed = recipe
    convertible = False
    for place, spec in enumerate(recipe.checkpoints()):
        if not spec.is_endpoint and engine_of(spec) != LLAMA_CPP:
            convertible = True
            changed = changed.with_role(place, _in(spec, weights))
    if not convertible:
        raise RecipeError(
            f"No model of the recipe can be loaded as {weights}",
            evidence="endpoints and llama.cpp use weights as they are stored",
            next_step="Score the text with a recipe of another file, and compare the runs.",
        )
    return changed


def _in(spec: CheckpointSpec, weights: str) -> CheckpointSpec:
    if weights in _QUANTIZATIONS:
        return replace(spec, quantization=weights)
    return replace(spec, dtype=weights, quantization="none")
