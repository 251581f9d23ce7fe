"""Recipes as they are checked and loaded, and which check belongs to which recipe."""

from __future__ import annotations

from dataclasses import replace

from app.checkpoints.engine_choice import engine_of, may_be_device_of
from app.checkpoints.engine_options import TRANSFORMERS
from app.checkpoints.preflight_report import Preflight
from app.checkpoints.spec import Recipe
from app.errors import TuneshiftError
from app.settings import Settings


def with_defaults(recipe: Recipe, settings: Settings) -> Recipe:
    """``recipe`` with the device and the dtype of the preferences where it says ``auto``.

    A GGUF file that llama.cpp reads has no other dtype than that of the file. The device of the
    preferences may be one that only the other engine has; the role then keeps ``auto``.
    """
    for place, spec in enumerate(recipe.checkpoints()):
        engine = engine_of(spec)
        suits = may_be_device_of(settings.device, engine)
        device = settings.device if spec.device == "auto" and suits else spec.device
        open_dtype = spec.dtype == "auto" and engine == TRANSFORMERS
        dtype = settings.dtype if open_dtype else spec.dtype
        if (device, dtype) != (spec.device, spec.dtype):
            recipe = recipe.with_role(place, replace(spec, device=device, dtype=dtype))
    return recipe


def check_of(found: Preflight | None, recipe: Recipe) -> Preflight | None:
    """A check if it is of the models of ``recipe``, which has its defaults filled in."""
    return found if found and found.recipe.models == recipe.models else None


def was_checked(found: Preflight | None, recipe: Recipe) -> bool:
    """Whether a check is of exactly this recipe."""
    return found is not None and found.recipe == recipe


def is_unfinished(found: Preflight | None, recipe: Recipe, error: TuneshiftError | None) -> bool:
    """Whether a load ended because the roles of the recipe do not share a vocabulary."""
    if error is None:
        return False  # it was cancelled
    return found is not None and was_checked(found, recipe) and not found.vocabulary.usable
