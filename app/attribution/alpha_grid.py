"""Tokens × α: how each token of a run would fare at other alphas, from kept rows only.

No model is run: each position keeps the text before it, as for what-if questions and
:mod:`app.attribution.alpha_curve`. One pair's α varies while the others are as recorded, or the
alphas of all pairs are scaled together. Tokens whose rows are not kept are estimated from
their candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.attribution.argmax_flips import argmax_flips
from app.attribution.candidates import CandidateRows
from app.attribution.row_statistics import Floats
from app.decoding.tuned_logits import Row, add_differences, scaled_differences, tuned_logits
from app.decoding.types import FloatArray, RoleLogits
from app.errors import Cancelled

LOWEST, HIGHEST, POINTS = -1.0, 4.0, 51
_COLUMNS = 2048
"""Ids that are computed at once, for all alphas: they fit into a processor's cache."""
_MOST_LOGITS, _MOST_TOKENS = 2_000_000, 256
"""A block of tokens ends after so many logits of full rows, or so many tokens."""
_IMPOSSIBLE = -1e30
"""A finite logit in place of −∞, since 0 · −∞ is not a number; exp of it is 0 as well."""


def alpha_axis() -> Floats:
    """The alphas of a grid, [N]: from −1 to 4 in steps of 0.1."""
    return np.linspace(LOWEST, HIGHEST, POINTS)


@dataclass(frozen=True, slots=True, eq=False)
class GridToken:
    """A token of a run with what is kept of its position.

    Attributes:
        index: Its index in the run.
        token_id: The token.
        alphas: The α of each pair that it was sampled with, [P].
        kept: Its full rows, or its candidates where the rows are gone.
    """

    index: int
    token_id: int
    alphas: tuple[float, ...]
    kept: RoleLogits | CandidateRows

    @property
    def pairs_were_read(self) -> bool:
        """Whether the pairs read this position; a policy of alpha may have skipped them."""
        rows = self.kept
        if isinstance(rows, CandidateRows):
            return rows.pairs_were_read
        return not all(row is rows.base for row in (*rows.experts, *rows.antiexperts))

    @property
    def is_estimated(self) -> bool:
        """Whether its values at other alphas are estimated from its candidates."""
        return isinstance(self.kept, CandidateRows) and self.pairs_were_read


@dataclass(frozen=True, slots=True, eq=False)
class AlphaGrid:
    """Some tokens of a run at every α of an axis.

    Attributes:
        alphas: The α of the pair, or the factor of all alphas, [N], ascending.
        indices: The index of each token in the run, [T].
        probability: The probability of the token of the run, [T, N]; NaN where the pairs did not
            read the position. ``entropy`` likewise, in nats.
        argmax: The most probable id, [T, N]; −1 where the pairs did not read the position.
        recorded_argmax: The most probable id with the alphas of the run, [T].
        estimated: Whether a token is estimated from its candidates, [T]; False where the pairs did
            not read the position. Its entropy counts all other tokens as one, which makes it
            slightly too low.
    """

    alphas: Floats
    indices: NDArray[np.int64]
    probability: FloatArray
    entropy: FloatArray
    argmax: NDArray[np.int32]
    recorded_argmax: NDArray[np.int32]
    estimated: NDArray[np.bool_]

    @property
    def changed(self) -> NDArray[np.bool_]:
        """Whether the argmax is another than with the alphas of the run, [T, N]."""
        other: NDArray[np.bool_] = self.argmax != self.recorded_argmax[:, None]
        return other & (self.argmax >= 0)


def alpha_grid(
    tokens: Iterable[GridToken],
    pair: int | None,
    alphas: Floats,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[AlphaGrid]:
    """Compute the grid in blocks of tokens, so that it can be shown while it is computed.

    Args:
        tokens: The tokens; they are taken as they are needed.
        pair: Index of the pair whose α varies; None to scale the alphas of all pairs together.
        alphas: The values of α, or of the factor, [N], ascending.
        cancelled: Called before each token.

    Yields:
        The next tokens, in the order in which they were given.

    Raises:
        Cancelled: When ``cancelled`` says so.
    """
    rows: list[_Line] = []
    logits = 0
    for token in tokens:
        if cancelled():
            raise Cancelled
        rows.append(_line(token, pair, alphas))
        logits += 0 if isinstance(token.kept, CandidateRows) else token.kept.base.size
        if logits >= _MOST_LOGITS or len(rows) >= _MOST_TOKENS:
            yield _joined(alphas, rows)
            rows, logits = [], 0
    if rows:
        yield _joined(alphas, rows)


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """One token of a grid."""

    token: GridToken
    probability: Floats
    entropy: Floats
    argmax: NDArray[np.int64]
    recorded_argmax: int


def _joined(alphas: Floats, lines: Sequence[_Line]) -> AlphaGrid:
    return AlphaGrid(
        alphas,
        np.array([line.token.index for line in lines], np.int64),
        np.array([line.probability for line in lines], np.float32),
        np.array([line.entropy for line in lines], np.float32),
        np.array([line.argmax for line in lines], np.int32),
        np.array([line.recorded_argmax for line in lines], np.int32),
        np.array([line.token.is_estimated for line in lines], np.bool_),
    )


def _line(token: GridToken, pair: int | None, alphas: Floats) -> _Line:
    if not token.pairs_were_read:
        return _unread(token, alphas)
    if isinstance(token.kept, CandidateRows):
        return _from_candidates(token, token.kept, pair, alphas)
    return _from_rows(token, token.kept, pair, alphas)


def _unread(token: GridToken, alphas: Floats) -> _Line:
    """A token at which the pairs are unknown: it was sampled from the base alone."""
    unknown = np.full(alphas.shape, np.nan)
    kept = token.kept
    best = int(kept.base.argmax())
    if isinstance(kept, CandidateRows):
        best = int(kept.token_ids[best])
    return _Line(token, unknown, unknown, np.full(alphas.shape, -1), best)


def _from_rows(token: GridToken, logits: RoleLogits, pair: int | None, alphas: Floats) -> _Line:
    without, slope = _line_of_rows(logits, token.alphas, pair)
    argmax = _argmaxes(without, slope, alphas)
    highest = without[argmax].astype(np.float64) + alphas * slope[argmax]
    without = np.maximum(without, without.dtype.type(_IMPOSSIBLE))
    total, weighted = np.zeros(alphas.shape), np.zeros(alphas.shape)
    factors = alphas.astype(without.dtype)[:, None]
    shift = highest.astype(without.dtype)[:, None]
    below = np.empty((len(alphas), min(_COLUMNS, without.size)), without.dtype)
    weights = np.empty_like(below)
    for start in range(0, without.size, _COLUMNS):
        piece = slice(start, start + _COLUMNS)
        size = without[piece].size
        x, e = below[:, :size], weights[:, :size]
        np.multiply(factors, slope[piece], out=x)
        x += without[piece]
        x -= shift
        np.exp(x, out=e)
        total += e.sum(axis=1)
        weighted += np.einsum("nv,nv->n", e, x)
    log_total = np.log(total)
    own = float(without[token.token_id]) + alphas * float(slope[token.token_id])
    return _Line(
        token,
        np.exp(own - shift[:, 0] - log_total),
        np.maximum(log_total - weighted / total, 0.0),
        argmax,
        int(tuned_logits(logits, token.alphas).argmax()),
    )


def _line_of_rows(
    logits: RoleLogits, alphas: tuple[float, ...], pair: int | None
) -> tuple[Row, Row]:
    """The row at 0 and what the varying α or factor multiplies, [V] each."""
    if pair is None:
        first, *others = scaled_differences(logits, alphas)
        return logits.base, add_differences(first, others)
    without = tuned_logits(logits, [0.0 if i == pair else a for i, a in enumerate(alphas)])
    (slope,) = scaled_differences(
        RoleLogits(logits.base, (logits.experts[pair],), (logits.antiexperts[pair],)), (1.0,)
    )
    return without, slope


def _argmaxes(without: Row, slope: Row, alphas: Floats) -> NDArray[np.int64]:
    """The most probable id at every α, [N], by the alphas at which it changes."""
    flips = argmax_flips(without, slope, float(alphas[0]), float(alphas[-1]))
    if not flips:
        return np.full(alphas.shape, int((without + alphas[0] * slope).argmax()))
    best = np.array([flips[0].before, *(flip.after for flip in flips)])
    passed = np.searchsorted([flip.alpha for flip in flips], alphas, side="right")
    return np.asarray(best[passed])


def _from_candidates(
    token: GridToken, kept: CandidateRows, pair: int | None, alphas: Floats
) -> _Line:
    old = np.asarray(kept.alphas, np.float64)
    wanted = alphas[:, None] * old if pair is None else np.tile(old, (len(alphas), 1))
    if pair is not None:
        wanted[:, pair] = alphas
    tuned = kept.base + wanted @ kept.differences
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.exp(tuned - kept.log_normalizers_at(wanted)[:, None])
        p = np.concatenate([p, np.maximum(1.0 - p.sum(axis=1, keepdims=True), 0.0)], axis=1)
        terms = np.where(p > 0, p * np.log(p), 0.0)
    (places,) = (kept.token_ids == token.token_id).nonzero()
    return _Line(
        token,
        p[:, int(places[0])],
        np.maximum(-terms.sum(axis=1), 0.0),
        kept.token_ids[tuned.argmax(axis=1)].astype(np.int64),
        int(kept.token_ids[int(kept.tuned(kept.alphas).argmax())]),
    )
