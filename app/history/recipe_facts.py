"""What a list of runs shows of a recipe: its name, its models, its pairs and their alphas."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache

from app.checkpoints.source_names import model_names
from app.checkpoints.spec import Recipe
from app.history import provenance


@dataclass(frozen=True, slots=True)
class RecipeFacts:
    """The facts of one recipe.

    Attributes:
        models: The distinct names of its models, the base first.
        pairs: The names of its pairs.
        alphas: The alphas of the pairs.
    """

    name: str
    models: tuple[str, ...]
    pairs: tuple[str, ...]
    alphas: tuple[float, ...]


def facts_of(recipe: Recipe) -> RecipeFacts:
    """The facts of ``recipe``."""
    pairs = tuple(pair.name for pair in recipe.pairs)
    return RecipeFacts(recipe.name, model_names(recipe), pairs, recipe.alphas)


def facts_json(recipe: Recipe) -> str:
    """The facts of a recipe as they are stored, since parsing TOML takes a millisecond."""
    return json.dumps(asdict(facts_of(recipe)), ensure_ascii=False)


@lru_cache(maxsize=256)
def stored_facts(facts: str | None, recipe: str) -> RecipeFacts:
    """The facts of a stored run.

    Args:
        facts: The text of :func:`facts_json`; None for runs of older versions.
        recipe: The recipe of the run as TOML.

    Raises:
        RecipeError: The recipe is needed and cannot be read.
    """
    with suppress(ValueError, TypeError, LookupError):  # damaged: read the recipe
        if facts is not None:
            values = json.loads(facts)
            lists = (tuple(values[name]) for name in ("models", "pairs", "alphas"))
            return RecipeFacts(values["name"], *lists)
    return facts_of(provenance.recipe_from_store(recipe))
