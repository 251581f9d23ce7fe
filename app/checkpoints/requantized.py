"""A recipe with its models in another dtype or quantization, for comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.checkpoints.engine_choice import engine_of
from app.checkpoints.engine_options import LLAMA_CPP
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.checkpoints.status import RoleInForce
from app.errors import RecipeError

WEIGHTS = ("float32", "bfloat16", "float16", "int8", "nf4")
"""The dtypes and quantizations that models can be loaded in."""
_QUANTIZATIONS = ("int8", "nf4")


def requantized(recipe: Recipe, weights: str) -> Recipe:
    """The recipe with every model in one of :data:`WEIGHTS`, except those of :func:`as_stored`.

    Raises:
        RecipeError: There is no such choice, no model can be loaded in it, or all are already.
    """
    if weights not in WEIGHTS:
        raise RecipeError(
            f"Models cannot be loaded as “{weights}”",
            next_step=f"Choose one of {', '.join(WEIGHTS)}.",
        )
    if len(as_stored(recipe)) == len(recipe.checkpoints()):
        raise RecipeError(
            f"No model of the recipe can be loaded as {weights}",
            evidence="endpoints and llama.cpp use weights as they are stored",
            next_step="Score the text with a recipe of another file, and compare the runs.",
        )
    changed = _requantized(recipe, weights)
    if changed.models == recipe.models:
        raise RecipeError(
            f"The models are loaded as {weights} already",
            next_step="Choose another dtype or quantization.",
        )
    return changed


def other_weights(recipe: Recipe) -> tuple[str, ...]:
    """The choices of :data:`WEIGHTS` in which any model of the recipe would be another."""
    return tuple(
        weights for weights in WEIGHTS if _requantized(recipe, weights).models != recipe.models
    )


def as_stored(recipe: Recipe) -> tuple[str, ...]:
    """The names of the roles whose weights are used as they are stored, in any comparison.

    They are behind an endpoint, or GGUF files that llama.cpp reads.
    """
    return tuple(name for name, spec in recipe.roles() if not _is_convertible(spec))


def in_force(recipe: Recipe, roles: Sequence[RoleInForce]) -> Recipe:
    """The recipe with the dtypes of its loaded ``roles`` where it says ``auto``."""
    for place, (spec, role) in enumerate(zip(recipe.checkpoints(), roles, strict=True)):
        if spec.dtype == "auto" and role.dtype in WEIGHTS and _is_convertible(spec):
            recipe = recipe.with_role(place, replace(spec, dtype=role.dtype))
    return recipe


def _is_convertible(spec: CheckpointSpec) -> bool:
    return not spec.is_endpoint and engine_of(spec) != LLAMA_CPP


def _requantized(recipe: Recipe, weights: str) -> Recipe:
    for place, spec in enumerate(recipe.checkpoints()):
        if _is_convertible(spec):
            recipe = recipe.with_role(place, _in(spec, weights))
    return recipe


def _in(spec: CheckpointSpec, weights: str) -> CheckpointSpec:
    if weights in _QUANTIZATIONS:
        return replace(spec, quantization=weights)
    return replace(spec, dtype=weights, quantization="none")
