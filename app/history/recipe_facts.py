"""What a list of runs shows of a recipe: its name, its models, its pairs and their alphas."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from app.checkpoints.source_names import model_names
from app.checkpoints.spec import Recipe


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


def facts_of_json(text: str) -> RecipeFacts:
    """Parse the text of :func:`facts_json`.

    Raises:
        ValueError, TypeError, LookupError: It is damaged.
    """
    values = json.loads(text)
    lists = (tuple(values[name]) for name in ("models", "pairs", "alphas"))
    return RecipeFacts(values["name"], *lists)
