"""Statistics of rows of logits, [V]: softmax, normalizers, ranks, top-k, and coalition rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from app.attribution.shapley import coalitions
from app.decoding.tuned_logits import Row, add_differences

Floats = NDArray[np.float64]

_IMPOSSIBLE = -1e30
_NEAR = (6.0, 12.0, np.inf)
"""Distances from the highest logit, in nats, within which :func:`top` searches, in this order."""


def rows_between(base: Row, added: Sequence[Row]) -> Iterator[Row]:
    """The tuned rows of all coalitions but the first and the last, each [V].

    The first coalition is empty and has the base's row, the last has all pairs and the tuned row;
    callers have both already.

    Args:
        base: The base's row, [V].
        added: The scaled difference α_i d_i of each pair, P rows.
    """
    for members in coalitions(len(added)).members[1:-1]:
        yield add_differences(base, compress(added, members))


class Softmax:
    """The distribution softmax(``row``) and its statistics, which share intermediate results.

    Args:
        row: Logits, [V].
    """

    def __init__(self, row: Row) -> None:
        self.row = row
        self.argmax = int(row.argmax())
        self._highest = row[self.argmax]
        self._below = row - self._highest
        if np.isneginf(self._below.min()):
            # A finite value, since 0 · −inf is NaN; exp(_IMPOSSIBLE) is 0 as well.
            np.maximum(self._below, row.dtype.type(_IMPOSSIBLE), out=self._below)
        self._weights = np.exp(self._below)
        self._total = float(self._weights.sum())
        self._mean_below = self._mean(self._below)

    @property
    def log_normalizer(self) -> float:
        """log Σ_v exp(row_v)."""
        return float(self._highest) + float(np.log(self._total))

    def logprob(self, token_id: int) -> float:
        """The log-probability of an id."""
        return float(self.row[token_id]) - self.log_normalizer

    def p(self, token_id: int) -> float:
        """The probability of an id."""
        return float(np.exp(self.logprob(token_id)))

    def entropy(self) -> float:
        """The entropy, in nats."""
        return max(float(np.log(self._total)) - self._mean_below, 0.0)

    def divergence_from(self, other: Softmax) -> float:
        """KL(this ‖ other), in nats."""
        apart = self._mean_below - self._mean(other._below)
        return max(apart - float(np.log(self._total) - np.log(other._total)), 0.0)

    def _mean(self, values: Row) -> float:
        # einsum takes one pass on this thread; BLAS would start threads of its own.
        return float(np.einsum("v,v->", self._weights, values)) / self._total


def log_normalizers(rows: Row) -> Floats:
    """log Σ_v exp(row_v) of each of ``rows``, [N, V]; [N]."""
    highest = rows.max(axis=1, keepdims=True)
    weights = rows - highest
    totals = np.exp(weights, out=weights).sum(axis=1)
    found: Floats = highest[:, 0] + np.log(totals.astype(np.float64))
    return found


def log_normalizer(row: Row) -> float:
    """log Σ_v exp(row_v) of one row, [V]."""
    return float(log_normalizers(row[None])[0])


def log_softmax(row: Row) -> Row:
    """Log-probabilities, [V], in the dtype of the row."""
    return row - row.dtype.type(log_normalizer(row))


def rank(row: Row, token_id: int) -> int:
    """The rank of an id by its logit, from 1."""
    return 1 + int(np.count_nonzero(row > row[token_id]))


def top(rows: Row, count: int) -> NDArray[np.int64]:
    """The ids of the ``count`` highest logits of each of ``rows``, [N, V], in no order.

    Returns:
        [N, ``count``], or [N, V] if V is less than ``count``.
    """
    count = min(count, rows.shape[1])
    highest = rows.max(axis=1, keepdims=True)
    for nats in _NEAR:
        near = rows > highest - rows.dtype.type(nats)
        if min(map(np.count_nonzero, near)) >= count:
            break
    ids = np.flatnonzero(near.any(axis=0))
    if len(ids) < count:  # all other logits are −inf
        ids = np.arange(rows.shape[1])
    return ids[np.argpartition(rows[:, ids], -count, axis=1)[:, -count:]]
