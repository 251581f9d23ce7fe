"""Arithmetic on rows of raw logits, [V]: normalizers, ranks, and what pairs make of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from app.attribution.shapley import coalitions
from app.decoding.rows import Row, tuned_by
from app.decoding.types import RoleLogits

Floats = NDArray[np.float64]

_IMPOSSIBLE = -1e30
_NEAR = (6.0, 12.0)
"""The best ids are nearly always within so many nats of the best: a part of the row to search."""


def rows_between(logits: RoleLogits, alphas: Sequence[float]) -> Iterator[Row]:
    """The rows tuned by each of ``coalitions(P).members`` but the first and the last, each [V].

    Those are the base's row, which nobody tunes, and the tuned row, which callers have already.
    """
    for members in coalitions(len(alphas)).members[1:-1]:
        yield tuned_by(logits, alphas, map(int, np.flatnonzero(members)))


class Softmax:
    """The distribution softmax(``row``), with what several questions about it have in common.

    Args:
        row: Logits, [V].
    """

    def __init__(self, row: Row) -> None:
        self.row = row
        self._highest = row.max()
        # Of what is impossible the probability is 0, and 0 · _IMPOSSIBLE is 0, as 0 · −inf is not.
        self._below = np.maximum(row - self._highest, row.dtype.type(_IMPOSSIBLE))
        self._weights = np.exp(self._below)
        self._total = float(self._weights.sum())

    @property
    def log_normalizer(self) -> float:
        """log Σ_v exp(row_v)."""
        return float(self._highest) + float(np.log(self._total))

    def logprob(self, token_id: int) -> float:
        """The logarithm of its probability."""
        return float(self.row[token_id]) - self.log_normalizer

    def p(self, token_id: int) -> float:
        """Its probability."""
        return float(np.exp(self.logprob(token_id)))

    def entropy(self) -> float:
        """In nats."""
        return max(float(np.log(self._total)) - self._mean(self._below), 0.0)

    def divergence_from(self, other: Softmax) -> float:
        """KL(this ‖ other), in nats."""
        apart = self._mean(self._below - other._below)
        return max(apart - float(np.log(self._total) - np.log(other._total)), 0.0)

    def _mean(self, values: Row) -> float:
        return float((self._weights * values).sum()) / self._total


def log_normalizer(row: Row) -> float:
    """log Σ_v exp(row_v)."""
    highest = row.max()
    return float(highest) + float(np.log(np.exp(row - highest).sum(dtype=np.float64)))


def log_softmax(row: Row) -> Row:
    """Log-probabilities, [V], in the dtype of the row."""
    return row - row.dtype.type(log_normalizer(row))


def rank(row: Row, token_id: int) -> int:
    """Rank of an id by its logit, from 1."""
    return 1 + int(np.count_nonzero(row > row[token_id]))


def top(row: Row, count: int) -> NDArray[np.int64]:
    """The ids of the ``count`` highest logits, in no order."""
    highest = row.max()
    for nats in _NEAR:
        near = np.flatnonzero(row > highest - nats)
        if len(near) >= count:
            break
    else:
        near = np.arange(row.shape[0])
    if len(near) <= count:
        return near
    return near[np.argpartition(row[near], -count)[-count:]]
