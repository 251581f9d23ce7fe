"""What vLLM passes on to its processes of ours: its ``additional_config``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.checkpoints.recipes.recipe_file import find_recipe
from app.checkpoints.spec import Recipe
from app.errors import SettingsError

RECIPE = "tuneshift_recipe"
PREFIX_MEGABYTES = "tuneshift_prefix_megabytes"
DEFAULT_PREFIX_MEGABYTES = 1024


def recipe_of(additional: Any) -> Recipe:
    """The recipe that vLLM's ``additional_config`` names.

    Raises:
        SettingsError: It names none.
        RecipeError: There is no such recipe, or it is not valid.
    """
    name = additional.get(RECIPE) if isinstance(additional, Mapping) else None
    if not isinstance(name, str):
        raise SettingsError(
            "vLLM was started without a recipe",
            next_step=f'Add --additional-config \'{{"{RECIPE}": "FILE"}}\'.',
        )
    return find_recipe(name)


def prefix_bytes_of(additional: Any) -> int:
    """The most bytes that the caches of earlier texts may take on each device."""
    size = additional.get(PREFIX_MEGABYTES, DEFAULT_PREFIX_MEGABYTES)
    return int(size) * 2**20
