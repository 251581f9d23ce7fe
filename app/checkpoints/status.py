"""What loading tells while it runs and when it is done. Imports no torch: the window uses it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far the loading of one role is, in bytes of its weight files."""

    role: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class RoleInForce:
    """What a role really runs as.

    Attributes:
        role: The role's name, as in ``Recipe.roles``.
        source: The checkpoint, as the recipe names it.
        dtype: Such as ``bfloat16``.
        device: Such as ``cpu`` or ``cuda:0``.
        parameters: How many the model has.
        shared: Whether another role before it holds the same weights.
    """

    role: str
    source: str
    dtype: str
    device: str
    parameters: int
    shared: bool
