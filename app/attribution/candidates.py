"""The alternatives at one position: what is kept of its rows, and the table that views show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.attribution.rows import (
    Floats,
    log_normalizer,
    rows_between,
    top,
)
from app.attribution.shapley import MOST_EXACT_PAIRS, coalitions
from app.decoding.rows import Row, tuned_logits
from app.decoding.types import FloatArray, RoleLogits

TOP_TUNED, TOP_ROLE = 50, 24
"""How many of the most probable tokens after tuning, and of each role, are candidates."""

_LEAST_TAIL = 40.0
"""A tail so many nats below the whole is nothing; its logarithm still has to be a number."""


@dataclass(frozen=True, slots=True, eq=False)
class CandidateRows:
    """Raw logits of the most probable tokens of every role, with what their probabilities need.

    With the weights in force everything about these tokens is exact. With others the normalizers
    have to be estimated; see :meth:`reweighted`.

    Attributes:
        alphas: The weight of each pair when the token was drawn, [P].
        token_ids: [C], most probable after tuning first.
        base: Raw logits, [C].
        experts: [P, C]; ``antiexperts`` likewise.
        log_normalizers: Of the base, the experts and the anti-experts, [1 + 2P].
        coalition_log_normalizers: Of the rows tuned by each of ``coalitions(P).members``, [S]: the
            first, of nobody, is the base's, and the last, of all pairs, that of the tuned row.
        rank_base: [C], from 1; ``rank_tuned`` likewise.
        estimated: Whether normalizers and ranks after tuning are estimates.
    """

    alphas: tuple[float, ...]
    token_ids: NDArray[np.int32]
    base: FloatArray
    experts: FloatArray
    antiexperts: FloatArray
    log_normalizers: Floats
    coalition_log_normalizers: Floats
    rank_base: NDArray[np.int32]
    rank_tuned: NDArray[np.int32]
    estimated: bool = False

    @property
    def differences(self) -> Floats:
        """d_i = s⁺_i − s⁻_i, [P, C]; 0 where the token is masked."""
        with np.errstate(invalid="ignore"):
            differences = self.experts.astype(np.float64) - self.antiexperts
        return np.nan_to_num(differences, copy=False)  # −inf − −inf

    @property
    def coverage(self) -> float:
        """Where the base's row holds log-probabilities: their probability in sum."""
        return min(1.0, float(np.exp(self.log_normalizers[0])))

    def tuned(self, alphas: Sequence[float]) -> Floats:
        """The tuned logits under these weights, [C]."""
        return self.base + np.asarray(alphas, dtype=np.float64) @ self.differences

    def log_normalizer(self, alphas: Sequence[float]) -> float:
        """The log-normalizer of the tuned row under other weights: an estimate.

        The candidates' part is exact. The logarithm of the tail beyond them is taken to be linear
        in the weight of each pair between what it is with and without that pair.
        """
        inside = np.logaddexp.reduce(self.tuned(alphas))
        return float(np.logaddexp(inside, self._log_tail(alphas)))

    def reweighted(self, alphas: Sequence[float]) -> CandidateRows:
        """The candidates had other weights been in force; normalizers and ranks are estimates."""
        order = np.argsort(-self.tuned(alphas), kind="stable")
        weights = np.asarray(alphas, dtype=np.float64)
        return CandidateRows(
            alphas=tuple(alphas),
            token_ids=self.token_ids[order],
            base=self.base[order],
            experts=self.experts[:, order],
            antiexperts=self.antiexperts[:, order],
            log_normalizers=self.log_normalizers,
            coalition_log_normalizers=np.array(
                [self.log_normalizer(weights * s) for s in coalitions(len(alphas)).members]
            ),
            rank_base=self.rank_base[order],
            rank_tuned=np.arange(1, len(order) + 1, dtype=np.int32),
            estimated=True,
        )

    def _log_tail(self, alphas: Sequence[float]) -> float:
        members = coalitions(len(self.alphas)).members
        tails = np.array(
            [
                _log_difference(whole, np.logaddexp.reduce(self.tuned(np.asarray(self.alphas) * s)))
                for whole, s in zip(self.coalition_log_normalizers, members, strict=True)
            ]
        )
        shares = np.array(
            [new / old if old else 0.0 for new, old in zip(alphas, self.alphas, strict=True)]
        )
        if len(shares) > MOST_EXACT_PAIRS:  # not every coalition is there: along the diagonal
            return float(tails[0] + shares.mean() * (tails[-1] - tails[0]))
        weights = np.where(members, shares, 1 - shares).prod(axis=1)
        return float(weights @ tails)


@dataclass(frozen=True, slots=True, eq=False)
class CandidateTable:
    """The most probable tokens of every role at one position, most probable after tuning first.

    Attributes:
        token_ids: [C].
        p_base: [C]; ``p_tuned`` likewise.
        p_experts: [P, C]; ``p_antiexperts`` likewise.
        contributions: [P, C], adding up over pairs to ``p_tuned − p_base``.
        rank_base: [C], from 1; ``rank_tuned`` likewise.
        exact: False where contributions were sampled (more than six pairs).
        estimated: True where probabilities after tuning are estimates from the candidates alone.
    """

    token_ids: NDArray[np.int32]
    p_base: Floats
    p_tuned: Floats
    p_experts: Floats
    p_antiexperts: Floats
    contributions: Floats
    rank_base: NDArray[np.int32]
    rank_tuned: NDArray[np.int32]
    exact: bool
    estimated: bool


def keep_candidates(
    logits: RoleLogits,
    alphas: Sequence[float],
    token_id: int,
    top_tuned: int = TOP_TUNED,
    top_role: int = TOP_ROLE,
) -> CandidateRows:
    """Reduce the rows of one position to ``token_id`` and the most probable tokens of every role.

    Args:
        logits: Raw rows of every role, each [V].
        alphas: The weight of each pair, [P].
        token_id: The token that was chosen; always among the candidates.
        top_tuned: How many of the most probable tokens after tuning to keep.
        top_role: How many of each role.
    """
    tuned = tuned_logits(logits, alphas)
    roles = _distinct(logits)
    tops = [top(tuned, top_tuned), *(top(row, top_role) for row in roles)]
    ids = np.concatenate(tops)
    ids = np.union1d(ids[np.isfinite(logits.base[ids])], [token_id])
    ids = ids[np.argsort(-tuned[ids], kind="stable")].astype(np.int32)
    shape = (len(alphas), len(ids))
    normalizers = {id(row): log_normalizer(row) for row in roles}
    return CandidateRows(
        alphas=tuple(alphas),
        token_ids=ids,
        base=logits.base[ids].astype(np.float32),
        experts=np.array([row[ids] for row in logits.experts], np.float32).reshape(shape),
        antiexperts=np.array([row[ids] for row in logits.antiexperts], np.float32).reshape(shape),
        log_normalizers=np.array([normalizers[id(row)] for row in _all(logits)]),
        coalition_log_normalizers=np.array(
            [
                normalizers[id(logits.base)],
                *map(log_normalizer, rows_between(logits, alphas)),
                *([log_normalizer(tuned)] if alphas else []),
            ]
        ),
        rank_base=_ranks(logits.base, ids),
        rank_tuned=_ranks(tuned, ids),
    )


def tabulate(rows: CandidateRows) -> CandidateTable:
    """The probabilities, ranks and contributions of the candidates."""
    pairs = len(rows.alphas)
    shared = coalitions(pairs)
    weights = np.asarray(rows.alphas)
    probabilities = np.array(
        [
            np.exp(rows.tuned(weights * s) - normalizer)
            for s, normalizer in zip(shared.members, rows.coalition_log_normalizers, strict=True)
        ]
    )
    return CandidateTable(
        token_ids=rows.token_ids,
        p_base=np.exp(rows.base - rows.log_normalizers[0]),
        p_tuned=probabilities[-1],
        p_experts=np.exp(rows.experts - rows.log_normalizers[1 : pairs + 1, None]),
        p_antiexperts=np.exp(rows.antiexperts - rows.log_normalizers[pairs + 1 :, None]),
        contributions=shared.weights @ probabilities,
        rank_base=rows.rank_base,
        rank_tuned=rows.rank_tuned,
        exact=shared.exact,
        estimated=rows.estimated,
    )


def _all(logits: RoleLogits) -> tuple[FloatArray, ...]:
    return (logits.base, *logits.experts, *logits.antiexperts)


def _distinct(logits: RoleLogits) -> list[FloatArray]:
    return list({id(row): row for row in _all(logits)}.values())


def _ranks(row: Row, ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """Rank of each id, from 1: how many logits are higher, and one."""
    values = row[ids]
    others = np.sort(row[row > values.min()])
    higher = len(others) - np.searchsorted(others, values, side="right")
    return (1 + higher).astype(np.int32)


def _log_difference(whole: float, part: float) -> float:
    """log(exp(whole) − exp(part)), bounded below."""
    gap = min(part - whole, 0.0)
    return whole + float(max(np.log1p(-np.exp(gap)) if gap < 0 else -_LEAST_TAIL, -_LEAST_TAIL))
