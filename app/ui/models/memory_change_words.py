"""Titles of the changes that reduce the memory of a recipe."""

from __future__ import annotations

from app.checkpoints.spec import CheckpointSpec, Recipe
from app.ui.translation import translate


def change_title(before: Recipe, after: Recipe) -> str:
    """The title of the change from ``before`` to ``after``, a recipe that needs less memory."""
    specs = list(zip(before.checkpoints(), after.checkpoints(), strict=True))
    steps = [*_dtype(specs), *_quantized_pairs(specs, before)]
    if before.context != after.context:
        steps.append(
            translate("MemoryChanges", "a context of {0} tokens").format(f"{after.context:,}")
        )
    old, new = specs[0]
    if old.quantization != new.quantization:
        steps.append(translate("MemoryChanges", "NF4 for the base"))
    if old.offload != new.offload:
        steps.append(translate("MemoryChanges", "offload the part of the base that does not fit"))
    title = ", ".join(steps)
    return title[:1].upper() + title[1:]


_Roles = list[tuple[CheckpointSpec, CheckpointSpec]]
"""Each role before and after the change."""


def _dtype(roles: _Roles) -> list[str]:
    changed = any(old.dtype != new.dtype for old, new in roles)
    return [translate("MemoryChanges", "bfloat16 instead of float32")] if changed else []


def _quantized_pairs(roles: _Roles, recipe: Recipe) -> list[str]:
    changed = [old.quantization != new.quantization for old, new in roles[1:]]
    names = [recipe.pairs[place // 2].name for place, each in enumerate(changed) if each]
    if len(set(names)) == 1:
        return [translate("MemoryChanges", "NF4 for the pair {0}").format(names[0])]
    return [translate("MemoryChanges", "NF4 for the pairs")] if names else []
