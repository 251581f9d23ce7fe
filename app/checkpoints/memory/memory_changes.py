"""Changes of a recipe that reduce its memory, each as a complete recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, product

from app.checkpoints.preflight_report import MemoryChange, MemoryEstimate
from app.checkpoints.spec import CheckpointSpec, Recipe

_SHORTEST_CONTEXT = 256
_MOST_COMBINATIONS = 3

_Step = tuple[str, Callable[[Recipe], Recipe]]
"""A label, and the function that changes a recipe."""


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """Facts about a role that decide which changes apply to it.

    Attributes:
        dtype: The dtype that it computes in.
        quantizable: Whether its checkpoint is stored unquantized.
        accelerated: Whether it is on a device other than the CPU.
    """

    dtype: str
    quantizable: bool
    accelerated: bool


def find_changes(
    recipe: Recipe,
    facts: Sequence[RoleFacts],
    estimate: MemoryEstimate,
    estimate_of: Callable[[Recipe], MemoryEstimate],
) -> tuple[MemoryChange, ...]:
    """Changes that lower the peak of the device that is full.

    Changes that make the recipe fit come first, the least harmful of them at the top. Changes are
    combined only if no single change is enough, and then as few as possible.

    Args:
        recipe: The recipe that does not fit.
        facts: Facts about each role, in the order of ``Recipe.roles``.
        estimate: The estimate of ``recipe``.
        estimate_of: Estimates a changed recipe.
    """
    full = next(device for device in estimate.devices if not device.fits)
    kinds = [
        kind
        for kind in (
            _bfloat16(recipe, facts),
            _nf4_pairs(recipe, facts),
            _shorter_contexts(estimate.context),
            _nf4_base(recipe, facts),
            _offload_base(recipe, facts),
        )
        if kind
    ]
    found: list[MemoryChange] = []
    for size in range(1, len(kinds) + 1):
        tried = [
            _first_that_fits(recipe, group, estimate_of, full.device)
            for group in combinations(kinds, size)
        ]
        helpful = [change for change in tried if change.peak < full.peak]
        fitting = [change for change in helpful if change.fits]
        if size == 1:
            found = fitting + [change for change in helpful if not change.fits]
        else:
            found = fitting[:_MOST_COMBINATIONS] + found
        if fitting:
            break
    return tuple(found)


def _first_that_fits(
    recipe: Recipe,
    group: Sequence[Sequence[_Step]],
    estimate_of: Callable[[Recipe], MemoryEstimate],
    device: str,
) -> MemoryChange:
    """Combine one change of each kind; of several of a kind, the first with which it fits."""
    for steps in product(*group):
        changed = recipe
        for _, apply in steps:
            changed = apply(changed)
        found = estimate_of(changed)
        if found.fits:
            break
    peak = next((each.peak for each in found.devices if each.device == device), 0)
    label = ", ".join(label for label, _ in steps)
    return MemoryChange(label[0].upper() + label[1:], changed, peak, found.fits)


def _bfloat16(recipe: Recipe, facts: Sequence[RoleFacts]) -> list[_Step]:
    places = [
        place for place, fact in enumerate(facts) if fact.dtype == "float32" and fact.quantizable
    ]
    change = partial(_change_roles, places=places, dtype="bfloat16")
    return [("bfloat16 instead of float32", change)] if places else []


def _nf4_pairs(recipe: Recipe, facts: Sequence[RoleFacts]) -> list[_Step]:
    places = [place for place in _not_nf4(recipe, facts) if place > 0]
    names = {recipe.pairs[(place - 1) // 2].name for place in places}
    label = f"NF4 for the pair {names.pop()}" if len(names) == 1 else "NF4 for the pairs"
    change = partial(_change_roles, places=places, quantization="nf4")
    return [(label, change)] if places else []


def _nf4_base(recipe: Recipe, facts: Sequence[RoleFacts]) -> list[_Step]:
    change = partial(_change_roles, places=[0], quantization="nf4")
    return [("NF4 for the base", change)] if 0 in _not_nf4(recipe, facts) else []


def _shorter_contexts(context: int) -> list[_Step]:
    powers = [2**n for n in range(context.bit_length(), -1, -1)]
    return [
        (f"a context of {power:,} tokens", partial(_with_context, context=power))
        for power in powers
        if _SHORTEST_CONTEXT <= power < context
    ]


def _offload_base(recipe: Recipe, facts: Sequence[RoleFacts]) -> list[_Step]:
    label = "offload the part of the base that does not fit"
    possible = facts[0].accelerated and not recipe.base.offload
    return [(label, partial(_change_roles, places=[0], offload=True))] if possible else []


def _not_nf4(recipe: Recipe, facts: Sequence[RoleFacts]) -> list[int]:
    return [
        place
        for place, (spec, fact) in enumerate(zip(recipe.checkpoints(), facts, strict=True))
        if fact.quantizable and spec.quantization != "nf4"
    ]


def _with_context(recipe: Recipe, context: int) -> Recipe:
    return replace(recipe, context=context)


def _change_roles(recipe: Recipe, places: Sequence[int], **settings: str | bool) -> Recipe:
    for place in places:
        spec: CheckpointSpec = replace(recipe.checkpoints()[place], **settings)  # type: ignore[arg-type]
        recipe = recipe.with_role(place, spec)
    return recipe
