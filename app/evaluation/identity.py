"""The identity of the models that an answer depends on, for the keys of stored answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.checkpoints.fingerprint import fingerprint
from app.checkpoints.opening import open_recipe
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.evaluation.variants import Variant

_LOCATION_FIELDS = ("source", "over", "device", "offload")
"""Fields that say where a checkpoint is and runs. The fingerprint identifies its content."""


def fingerprints(recipe: Recipe) -> dict[str, str]:
    """The fingerprint of each role's files, by role name.

    Raises:
        TuneshiftError: A checkpoint does not exist or is invalid.
    """
    opened = open_recipe(recipe, weights_required=not recipe.base.tuned)
    return {role.name: fingerprint(role.files) for role in opened.roles}


def model_identity(variant: Variant, prints: Mapping[str, str]) -> tuple[Any, ...]:
    """All properties of the models that affect an answer, including the base's tokenizer."""
    roles = variant.recipe.roles()
    used = range(len(roles)) if variant.role_index is None else sorted({0, variant.role_index})
    return (
        [[_settings_of(roles[place][1]), prints[roles[place][0]]] for place in used],
        variant.recipe.context,
        variant.recipe.accepted_ids,
        variant.role_index,
        variant.alphas,
        *(() if variant.policy.is_constant else (variant.policy.text,)),
    )


def _settings_of(spec: CheckpointSpec) -> dict[str, Any]:
    found = {key: value for key, value in asdict(spec).items() if key not in _LOCATION_FIELDS}
    if not found.pop("tuned"):  # so that the keys of stored answers stay
        return found
    return {**found, "source": spec.source}  # nothing else is known of what is there
