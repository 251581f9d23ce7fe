"""Token probabilities at one position as a function of one pair's α, from rows only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.attribution.argmax_flips import Flip, argmax_flips
from app.attribution.candidates import CandidateRows
from app.attribution.row_statistics import Floats
from app.decoding.tuned_logits import pair_difference, tuned_logits
from app.decoding.types import RoleLogits

LOWEST_ALPHA, HIGHEST_ALPHA = -2.0, 4.0
_POINTS = 61


@dataclass(frozen=True, slots=True, eq=False)
class AlphaCurve:
    """Probabilities of some tokens over the α of one pair; the other alphas are fixed.

    Attributes:
        pair: Index of the pair whose α varies.
        alphas: The values of its α, [N], ascending.
        token_ids: The tokens, [T]: those asked for, and after them the others of ``flips``.
        probabilities: [T, N].
        flips: The alphas at which the argmax changes, ascending.
        estimated: Whether the curve is estimated from the candidates, without full rows.
    """

    pair: int
    alphas: Floats
    token_ids: tuple[int, ...]
    probabilities: Floats
    flips: tuple[Flip, ...]
    estimated: bool = False


def alpha_curve(
    logits: RoleLogits, alphas: Sequence[float], pair: int, token_ids: Sequence[int]
) -> AlphaCurve:
    """Compute the probabilities of ``token_ids``, and of all argmax tokens, for α from −2 to 4.

    Args:
        logits: Raw rows of every role, each [V].
        alphas: The α of each pair when the token was sampled, [P].
        pair: Index of the pair whose α varies.
        token_ids: Tokens that need not be the argmax anywhere.
    """
    slope = pair_difference(logits, pair)
    without = tuned_logits(logits, [0.0 if i == pair else a for i, a in enumerate(alphas)])
    grid = np.linspace(LOWEST_ALPHA, HIGHEST_ALPHA, _POINTS)
    flips = argmax_flips(without, slope, LOWEST_ALPHA, HIGHEST_ALPHA)
    ids = _with_flips(token_ids, flips)
    probabilities = np.empty((len(ids), grid.size))
    row, powers = np.empty_like(without), np.empty_like(without)
    for place, alpha in enumerate(grid):
        np.multiply(slope, slope.dtype.type(alpha), out=row)
        row += without
        highest = row.max()
        np.subtract(row, highest, out=powers)
        np.exp(powers, out=powers)
        probabilities[:, place] = powers[list(ids)] / powers.sum(dtype=np.float64)
    return AlphaCurve(pair, grid, ids, probabilities, flips)


def estimated_alpha_curve(
    candidates: CandidateRows, pair: int, token_ids: Sequence[int]
) -> AlphaCurve:
    """Estimate the curve from the candidates alone; normalizers and flips are estimates.

    Args:
        candidates: The stored candidates of the position.
        pair: Index of the pair whose α varies.
        token_ids: Tokens that need not be the argmax anywhere, all among the candidates.
    """
    grid = np.linspace(LOWEST_ALPHA, HIGHEST_ALPHA, _POINTS)
    without = candidates.tuned([0.0 if i == pair else a for i, a in enumerate(candidates.alphas)])
    known = candidates.token_ids
    flips = tuple(
        Flip(flip.alpha, int(known[flip.before]), int(known[flip.after]))
        for flip in argmax_flips(without, candidates.differences[pair], LOWEST_ALPHA, HIGHEST_ALPHA)
    )
    ids = _with_flips(token_ids, flips)
    places = [int(np.flatnonzero(known == token)[0]) for token in ids]
    alphas = np.tile(np.asarray(candidates.alphas, np.float64), (grid.size, 1))
    alphas[:, pair] = grid
    tuned = candidates.base[places] + alphas @ candidates.differences[:, places]
    probabilities = np.exp(tuned - candidates.log_normalizers_at(alphas)[:, None]).T
    return AlphaCurve(pair, grid, ids, probabilities, flips, estimated=True)


def _with_flips(token_ids: Sequence[int], flips: Sequence[Flip]) -> tuple[int, ...]:
    """``token_ids`` and, after them, the other tokens that are the argmax at some α."""
    best = [flip.before for flip in flips[:1]] + [flip.after for flip in flips]
    return tuple(dict.fromkeys([*token_ids, *best]))
