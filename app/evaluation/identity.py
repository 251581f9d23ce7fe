"""What of a recipe's models an answer depends on, so that it is known again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.checkpoints.fingerprint import fingerprint
from app.checkpoints.opening import open_recipe
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.evaluation.variants import View

_WHERE = ("source", "over", "device", "offload")
"""Where a checkpoint lies and is computed; what it is, its fingerprint says."""


def fingerprints(recipe: Recipe) -> dict[str, str]:
    """A digest of every role's files, by its name.

    Raises:
        TuneshiftError: A checkpoint is not there or cannot be used.
    """
    return {role.name: fingerprint(role.files) for role in open_recipe(recipe).roles}


def models_of(view: View, prints: Mapping[str, str]) -> tuple[Any, ...]:
    """What of the models an answer depends on: the base's tokenizer is that of what is scored."""
    roles = view.recipe.roles()
    used = range(len(roles)) if view.place is None else sorted({0, view.place})
    return (
        [[_how_used(roles[place][1]), prints[roles[place][0]]] for place in used],
        view.recipe.context,
        view.recipe.accepted_ids,
        view.place,
        view.alphas,
    )


def _how_used(spec: CheckpointSpec) -> dict[str, Any]:
    return {key: value for key, value in asdict(spec).items() if key not in _WHERE}
