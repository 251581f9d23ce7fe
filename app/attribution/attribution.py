"""Contributions of the expert pairs to one token, from raw rows alone.

With d_i = s⁺_i − s⁻_i and p_S = softmax(s_M + Σ_{j∈S} α_j d_j): the shift p_tuned(y) − p_base(y) is
shared among the pairs by the Shapley value of S ↦ p_S(y), so the contributions add up to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.attribution.rows import (
    coalition_logits,
    entropy,
    log_normalizer,
    log_softmax,
    rank,
    tuned_logits,
)
from app.attribution.shapley import coalitions
from app.decoding.types import RoleLogits

LOW_COVERAGE = 0.9
"""Below this coverage, on average, a text may be far from what the whole base would have said."""


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
        coverage: Where the base tells of its most probable tokens alone, their probability under it
            in sum. Everything else here is of the distribution over them; None where it tells all.
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
    coverage: float | None = None

    @property
    def flipped(self) -> bool:
        """Whether the expert pairs changed the most probable token."""
        return self.argmax_base != self.argmax_tuned

    @property
    def shift(self) -> float:
        """log p_tuned − log p_base: positive where the pairs made the token more probable."""
        if self.logprob_tuned == self.logprob_base:  # both −∞ where a given token is impossible
            return 0.0
        return self.logprob_tuned - self.logprob_base


def attribute(
    logits: RoleLogits, alphas: Sequence[float], token_id: int, *, partial: bool = False
) -> TokenAttribution:
    """Attribute the probability shift of ``token_id`` to the pairs.

    Args:
        logits: Raw rows of every role, each [V].
        alphas: The weight of each pair when the token was drawn, [P].
        token_id: The token to explain.
        partial: Whether the base's row holds log-probabilities, and only of some tokens.
    """
    base, tuned = logits.base, tuned_logits(logits, alphas)
    logprobs_base, logprobs_tuned = log_softmax(base), log_softmax(tuned)
    with np.errstate(invalid="ignore"):  # −inf − −inf at masked ids; their probability is 0
        p_tuned = np.exp(logprobs_tuned)
        kl = float(np.nansum(p_tuned * (logprobs_tuned - logprobs_base), dtype=np.float64))
    return TokenAttribution(
        p_base=float(np.exp(logprobs_base[token_id])),
        p_tuned=float(p_tuned[token_id]),
        logprob_base=float(logprobs_base[token_id]),
        logprob_tuned=float(logprobs_tuned[token_id]),
        contributions=_contribution(logits, alphas, token_id),
        rank_base=rank(base, token_id),
        rank_tuned=rank(tuned, token_id),
        argmax_base=int(base.argmax()),
        argmax_tuned=int(tuned.argmax()),
        entropy_base=entropy(logprobs_base),
        entropy_tuned=entropy(logprobs_tuned),
        kl=max(kl, 0.0),
        coverage=min(1.0, float(np.exp(log_normalizer(base)))) if partial else None,
    )


def _contribution(logits: RoleLogits, alphas: Sequence[float], token_id: int) -> tuple[float, ...]:
    shared = coalitions(len(alphas))
    rows = [coalition_logits(logits, alphas, members) for members in shared.members]
    logprobs = np.array([float(row[token_id]) - log_normalizer(row) for row in rows])
    return tuple(map(float, shared.weights @ np.exp(logprobs)))
