"""Arithmetic on rows of raw logits, [V]: normalizers, ranks, and what pairs make of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.decoding.types import RoleLogits

Row = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]

_NEAR = 12.0
"""The best ids are nearly always within so many nats of the best: a part of the row to search."""


def tuned_logits(logits: RoleLogits, alphas: Sequence[float]) -> Row:
    """The tuned row s_M + Σ_i α_i (s⁺_i − s⁻_i), [V], in the dtype of the rows."""
    return coalition_logits(logits, alphas, np.ones(len(alphas), dtype=np.bool_))


def coalition_logits(
    logits: RoleLogits, alphas: Sequence[float], members: NDArray[np.bool_]
) -> Row:
    """The row tuned by the pairs of ``members``, [P] of bool, alone; [V]."""
    row: Row = logits.base
    for pair in map(int, np.flatnonzero(members)):
        row = row + row.dtype.type(alphas[pair]) * pair_difference(logits, pair)
    return row


def pair_difference(logits: RoleLogits, pair: int) -> Row:
    """The row d_i = s⁺_i − s⁻_i, [V], 0 at masked ids."""
    with np.errstate(invalid="ignore"):
        difference: Row = logits.experts[pair] - logits.antiexperts[pair]
    np.nan_to_num(difference, copy=False)  # −inf − −inf at masked ids
    return difference


def log_normalizer(row: Row) -> float:
    """log Σ_v exp(row_v)."""
    highest = row.max()
    return float(highest) + float(np.log(np.exp(row - highest).sum(dtype=np.float64)))


def log_softmax(row: Row) -> Row:
    """Log-probabilities, [V], in the dtype of the row."""
    return row - row.dtype.type(log_normalizer(row))


def entropy(logprobs: Row) -> float:
    """Entropy in nats of the distribution with these log-probabilities."""
    finite = logprobs[np.isfinite(logprobs)]
    return max(-float((np.exp(finite) * finite).sum(dtype=np.float64)), 0.0)


def rank(row: Row, token_id: int) -> int:
    """Rank of an id by its logit, from 1."""
    return 1 + int(np.count_nonzero(row > row[token_id]))


def top(row: Row, count: int) -> NDArray[np.int64]:
    """The ids of the ``count`` highest logits, in no order."""
    near = np.flatnonzero(row > row.max() - _NEAR)
    if len(near) < count:
        near = np.arange(row.shape[0])
    if len(near) <= count:
        return near
    return near[np.argpartition(row[near], -count)[-count:]]
