"""Arithmetic on the raw rows of the roles, [V], on the host. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.decoding.types import RoleLogits

Row = NDArray[np.floating[Any]]


def pair_difference(logits: RoleLogits, pair: int) -> Row:
    """The row d_i = s⁺_i − s⁻_i, [V], 0 at masked ids."""
    with np.errstate(invalid="ignore"):  # −inf − −inf at masked ids
        difference: Row = logits.experts[pair] - logits.antiexperts[pair]
        finite = np.isfinite(difference.max()) and np.isfinite(difference.min())
    if not finite:
        np.nan_to_num(difference, copy=False)
    return difference


def scaled_differences(logits: RoleLogits, alphas: Sequence[float]) -> list[Row]:
    """What each pair adds to the base's row, α_i d_i, [P] rows of [V]."""
    return [
        logits.base.dtype.type(alpha) * pair_difference(logits, pair)
        for pair, alpha in enumerate(alphas)
    ]


def add_differences(base: Row, added: Iterable[Row]) -> Row:
    """The base's row with what some of the pairs add to it, [V]."""
    row = base
    for weighted in added:
        row = row + weighted
    return row


def tuned_logits(logits: RoleLogits, alphas: Sequence[float]) -> Row:
    """The tuned row s_M + Σ_i α_i (s⁺_i − s⁻_i), [V], in the dtype of the rows."""
    return add_differences(logits.base, scaled_differences(logits, alphas))
