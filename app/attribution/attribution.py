"""Contributions of the expert pairs to one token and to its alternatives, from raw rows alone.

With d_i = s⁺_i − s⁻_i and p_S = softmax(s_M + Σ_{j∈S} α_j d_j): the shift p_tuned(y) − p_base(y) is
shared among the pairs by the Shapley value of S ↦ p_S(y), so the contributions add up to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.attribution.shapley import coalitions
from app.decoding.types import RoleLogits

Row = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TokenAttribution:
    """What the expert pairs did at one token. Logarithms are natural; ranks count from 1.

    Attributes:
        p_base: Probability of the token under the base.
        p_tuned: Probability of the token under the tuned distribution, before sampling processors.
        logprob_base: Logarithm of ``p_base``.
        logprob_tuned: Logarithm of ``p_tuned``.
        contributions: The share of each pair in ``p_tuned − p_base``.
        rank_base: Rank of the token under the base.
        rank_tuned: Rank of the token under the tuned distribution.
        argmax_base: The token that the base would choose.
        argmax_tuned: The token that is the most probable after tuning.
        entropy_base: Entropy of the base's distribution, in nats.
        entropy_tuned: Entropy of the tuned distribution, in nats.
        kl: KL(tuned ‖ base), in nats.
    """

    p_base: float
    p_tuned: float
    logprob_base: float
    logprob_tuned: float
    contributions: tuple[float, ...]
    rank_base: int
    rank_tuned: int
    argmax_base: int
    argmax_tuned: int
    entropy_base: float
    entropy_tuned: float
    kl: float

    @property
    def flipped(self) -> bool:
        """Whether the expert pairs changed the most probable token."""
        return self.argmax_base != self.argmax_tuned

    @property
    def shift(self) -> float:
        """log p_tuned − log p_base: positive where the pairs made the token more probable."""
        return self.logprob_tuned - self.logprob_base


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
    """

    token_ids: NDArray[np.int64]
    p_base: Floats
    p_tuned: Floats
    p_experts: Floats
    p_antiexperts: Floats
    contributions: Floats
    rank_base: NDArray[np.int64]
    rank_tuned: NDArray[np.int64]
    exact: bool


def attribute(logits: RoleLogits, alphas: Sequence[float], token_id: int) -> TokenAttribution:
    """Attribute the probability shift of ``token_id`` to the pairs.

    Args:
        logits: Raw rows of every role, each [V].
        alphas: The weight of each pair when the token was drawn, [P].
        token_id: The token to explain.
    """
    base, tuned = logits.base, tuned_logits(logits, alphas)
    logprobs_base, logprobs_tuned = _log_softmax(base), _log_softmax(tuned)
    shares = _contributions(logits, alphas, np.array([token_id]))
    with np.errstate(invalid="ignore"):  # −inf − −inf at masked ids; their probability is 0
        p_tuned = np.exp(logprobs_tuned)
        kl = float(np.nansum(p_tuned * (logprobs_tuned - logprobs_base), dtype=np.float64))
    return TokenAttribution(
        p_base=float(np.exp(logprobs_base[token_id])),
        p_tuned=float(p_tuned[token_id]),
        logprob_base=float(logprobs_base[token_id]),
        logprob_tuned=float(logprobs_tuned[token_id]),
        contributions=tuple(map(float, shares[:, 0])),
        rank_base=_rank(base, token_id),
        rank_tuned=_rank(tuned, token_id),
        argmax_base=int(base.argmax()),
        argmax_tuned=int(tuned.argmax()),
        entropy_base=_entropy(logprobs_base),
        entropy_tuned=_entropy(logprobs_tuned),
        kl=max(kl, 0.0),
    )


def tabulate_candidates(
    logits: RoleLogits, alphas: Sequence[float], token_id: int, count: int = 16
) -> CandidateTable:
    """Tabulate ``token_id`` and the ``count`` most probable tokens of every role.

    Args:
        logits: Raw rows of every role, each [V].
        alphas: The weight of each pair, [P].
        token_id: The token that was chosen; always in the table.
        count: How many tokens of each role to take into the union.
    """
    base, tuned = logits.base, tuned_logits(logits, alphas)
    rows = [base, tuned, *logits.experts, *logits.antiexperts]
    ids = np.union1d(np.concatenate([_top(row, count) for row in rows]), [token_id])
    ids = ids[np.isfinite(base[ids])]
    ids = ids[np.argsort(-tuned[ids], kind="stable")]
    return CandidateTable(
        token_ids=ids,
        p_base=_probabilities(base, ids),
        p_tuned=_probabilities(tuned, ids),
        p_experts=np.array([_probabilities(row, ids) for row in logits.experts]),
        p_antiexperts=np.array([_probabilities(row, ids) for row in logits.antiexperts]),
        contributions=_contributions(logits, alphas, ids),
        rank_base=np.array([_rank(base, token) for token in ids]),
        rank_tuned=np.array([_rank(tuned, token) for token in ids]),
        exact=coalitions(len(alphas)).exact,
    )


def tuned_logits(logits: RoleLogits, alphas: Sequence[float]) -> Row:
    """The tuned row s_M + Σ_i α_i (s⁺_i − s⁻_i), [V], in the dtype of the rows."""
    return _coalition_logits(logits, alphas, np.ones(len(alphas), dtype=np.bool_))


def pair_difference(logits: RoleLogits, pair: int) -> Row:
    """The row d_i = s⁺_i − s⁻_i, [V], 0 at masked ids."""
    with np.errstate(invalid="ignore"):
        difference: Row = logits.experts[pair] - logits.antiexperts[pair]
    np.nan_to_num(difference, copy=False)  # −inf − −inf at masked ids
    return difference


def _coalition_logits(
    logits: RoleLogits, alphas: Sequence[float], members: NDArray[np.bool_]
) -> Row:
    row: Row = logits.base
    for pair in map(int, np.flatnonzero(members)):
        row = row + row.dtype.type(alphas[pair]) * pair_difference(logits, pair)
    return row


def _contributions(logits: RoleLogits, alphas: Sequence[float], ids: NDArray[np.int64]) -> Floats:
    shared = coalitions(len(alphas))
    probabilities = np.array(
        [_probabilities(_coalition_logits(logits, alphas, s), ids) for s in shared.members]
    )
    shares: Floats = shared.weights @ probabilities
    return shares


def _probabilities(row: Row, ids: NDArray[np.int64]) -> Floats:
    return np.exp(row[ids].astype(np.float64) - _log_normalizer(row))


def _log_normalizer(row: Row) -> float:
    highest = row.max()
    return float(highest) + float(np.log(np.exp(row - highest).sum(dtype=np.float64)))


def _log_softmax(row: Row) -> Row:
    return row - row.dtype.type(_log_normalizer(row))


def _entropy(logprobs: Row) -> float:
    finite = logprobs[np.isfinite(logprobs)]
    return max(-float((np.exp(finite) * finite).sum(dtype=np.float64)), 0.0)


def _rank(row: Row, token_id: int) -> int:
    return 1 + int(np.count_nonzero(row > row[token_id]))


def _top(row: Row, count: int) -> NDArray[np.int64]:
    if count >= row.shape[0]:
        return np.arange(row.shape[0])
    return np.argpartition(row, -count)[-count:]
