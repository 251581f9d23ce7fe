"""Statistics of rows of logits, [V]: softmax, normalizers, ranks, top-k, and coalition rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from app.attribution.shapley import coalitions
from app.decoding.tuned_logits import Row, add_differences

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

_IMPOSSIBLE = -1e30
_CLASSES_PER_TOP = 16
"""Number of classes of ids, for each id to be found, whose highest logits bound the top."""


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
    """Statistics of the distribution softmax(``row``).

    Args:
        row: Logits, [V].
        values: Values of the ids whose means are wanted, rows of [V].

    Attributes:
        row: The logits.
        argmax: The most probable id.
        log_normalizer: log Σ_v exp(row_v).
        entropy: The entropy, in nats.
        means: The mean of each of ``values``.
    """

    def __init__(self, row: Row, values: Sequence[Row] = ()) -> None:
        self.row = row
        self.argmax = int(row.argmax())
        highest = row[self.argmax]
        below = row - highest
        if np.isneginf(below.min()):
            # A finite value, since 0 · −inf is NaN; exp(_IMPOSSIBLE) is 0 as well.
            np.maximum(below, row.dtype.type(_IMPOSSIBLE), out=below)
        weights = np.exp(below)
        total = float(weights.sum())
        # einsum takes one pass on this thread; BLAS would start threads of its own.
        mean_below, *means = (
            float(np.einsum("v,v->", weights, each)) / total for each in (below, *values)
        )
        log_total = float(np.log(total))
        self.log_normalizer = float(highest) + log_total
        self.entropy = max(log_total - mean_below, 0.0)
        self.means = tuple(means)

    def logprob(self, token_id: int) -> float:
        """The log-probability of an id."""
        return float(self.row[token_id]) - self.log_normalizer

    def p(self, token_id: int) -> float:
        """The probability of an id."""
        return float(np.exp(self.logprob(token_id)))


def log_normalizers(rows: Row, highest: Row | None = None) -> Floats:
    """log Σ_v exp(row_v) of each of ``rows``, [N, V]; [N].

    Args:
        rows: Logits, [N, V].
        highest: The highest logit of each row, [N], where it is known.
    """
    if highest is None:
        highest = rows.max(axis=1)
    weights = rows - highest[:, None]
    totals = np.exp(weights, out=weights).sum(axis=1)
    found: Floats = highest + np.log(totals.astype(np.float64))
    return found


def log_normalizer(row: Row) -> float:
    """log Σ_v exp(row_v) of one row, [V]."""
    return float(log_normalizers(row[None])[0])


def log_softmax(row: Row) -> Row:
    """Log-probabilities, [V], in the dtype of the row."""
    return row - row.dtype.type(log_normalizer(row))


def rank(row: Row, token_id: int) -> int:
    """The rank of an id by its logit, from 1: 1 plus the number of higher logits."""
    return 1 + int(np.count_nonzero(row > row[token_id]))


def ranks(row: Row, ids: Ids) -> NDArray[np.int32]:
    """The rank of each of ``ids`` by its logit, as :func:`rank` has it, in one pass over the row.

    Only logits that are at least the lowest of those of ``ids`` are sorted.
    """
    values = row[ids]
    above = np.sort(row[row >= values.min()])
    return (1 + len(above) - np.searchsorted(above, values, side="right")).astype(np.int32)


def top(rows: Row, count: int) -> list[Ids]:
    """The ids of the ``count`` highest logits of each of ``rows``, [N, V], in descending order.

    Of equal logits, the one with the lower id comes first. Ids whose logit is −inf are left out.
    """
    bound = _lower_bound(rows, count)[:, None]
    near = (rows >= bound) & (rows > -np.inf) if np.isneginf(bound).any() else rows >= bound
    places = np.flatnonzero(near)  # of all rows, one after the other
    starts = np.arange(len(rows) + 1) * rows.shape[1]
    bounds = np.searchsorted(places, starts)
    found = []
    for index, row in enumerate(rows):
        ids = places[bounds[index] : bounds[index + 1]] - starts[index]
        found.append(ids[np.argsort(-row[ids], kind="stable")[:count]])
    return found


def _lower_bound(rows: Row, count: int) -> Row:
    """A logit of each row, [N], that at least ``count`` of its logits reach, and few more.

    The ids are divided into classes by their remainder. As many logits as classes are at least the
    highest of their class, so that the ``count``-th highest of these is a bound. It is −inf where
    a row is too short.
    """
    classes = min(_CLASSES_PER_TOP * count, rows.shape[1])
    whole = rows[:, : rows.shape[1] // classes * classes]
    if classes < count:
        return np.full(len(rows), -np.inf, rows.dtype)
    highest = whole.reshape(len(rows), -1, classes).max(axis=1)
    bound: Row = np.partition(highest, classes - count, axis=1)[:, classes - count]
    return bound
