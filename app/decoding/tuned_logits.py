"""Proxy-tuning in NumPy: combines the rows, [V], of a base and its expert pairs. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.decoding.types import CombinedRows, RoleLogits

Row = NDArray[np.floating[Any]]


def pair_difference(logits: RoleLogits, pair: int) -> Row:
    """The difference d_i = s⁺_i − s⁻_i of one expert pair, [V]; 0 at masked ids."""
    with np.errstate(invalid="ignore"):  # −inf − −inf at masked ids
        difference: Row = logits.experts[pair] - logits.antiexperts[pair]
        finite = np.isfinite(difference.max()) and np.isfinite(difference.min())
    if not finite:
        np.nan_to_num(difference, copy=False)
    return difference


def scaled_differences(logits: RoleLogits, alphas: Sequence[float]) -> list[Row]:
    """The terms α_i d_i that the pairs add to the base's row, P rows of [V]."""
    found = []
    for pair, alpha in enumerate(alphas):
        difference = pair_difference(logits, pair)
        difference *= difference.dtype.type(alpha)
        found.append(difference)
    return found


def add_differences(base: Row, added: Iterable[Row]) -> Row:
    """The base's row plus the scaled differences of some of the pairs, [V]."""
    terms = iter(added)
    first = next(terms, None)
    if first is None:
        return base
    row: Row = base + first
    for difference in terms:
        row += difference
    return row


def combine(logits: RoleLogits, alphas: Sequence[float]) -> CombinedRows:
    """The tuned row and the terms that the pairs add to the base's row."""
    added = tuple(scaled_differences(logits, alphas))
    return CombinedRows(added, add_differences(logits.base, added))


def tuned_logits(logits: RoleLogits, alphas: Sequence[float]) -> Row:
    """The tuned row s_M + Σ_i α_i (s⁺_i − s⁻_i), [V], in the dtype of the rows."""
    return add_differences(logits.base, scaled_differences(logits, alphas))
