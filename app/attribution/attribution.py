"""Contributions of the expert pairs to one token, from raw rows alone.

With d_i = s⁺_i − s⁻_i and p_S = softmax(s_M + Σ_{j∈S} α_j d_j), the contribution of a pair to the
token y is its Shapley value in the game S ↦ p_S(y). Contributions add up to the shift
p_tuned(y) − p_base(y).

The contribution to the log-probability is the Shapley value in the game S ↦ log p_S(y). As
log p_S(y) = s_M(y) + Σ_{j∈S} α_j d_j(y) − log Z_S, it is α_i d_i(y) less the pair's Shapley value
in the game S ↦ log Z_S: what the pair did to the logit of the token is its own, and the change of
the normalizer, which all pairs make together, is divided by Shapley. These add up to
log p_tuned(y) − log p_base(y).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.attribution.row_statistics import Softmax, log_normalizer, rank, rows_between
from app.attribution.shapley import contributions
from app.decoding.tuned_logits import Row, combine
from app.decoding.types import CombinedRows, RoleLogits

LOW_COVERAGE = 0.9
"""Below this mean coverage, a text may differ much from one sampled with all logits of the base."""


@dataclass(frozen=True, slots=True)
class TokenAttribution:
    """The effect of the expert pairs at one token. Logarithms are natural; ranks count from 1.

    Attributes:
        p_base: Probability of the token under the base.
        p_tuned: Probability of the token under the tuned distribution, before sampling processors.
        logprob_base: Logarithm of ``p_base``.
        logprob_tuned: Logarithm of ``p_tuned``.
        contributions: The Shapley value of each pair; they add up to ``p_tuned − p_base``.
        logprob_contributions: The Shapley value of each pair in log-probability, in nats; they add
            up to ``logprob_tuned − logprob_base``.
        rank_base: Rank of the token under the base.
        rank_tuned: Rank of the token under the tuned distribution.
        argmax_base: The most probable token of the base.
        argmax_tuned: The most probable token of the tuned distribution.
        entropy_base: Entropy of the base's distribution, in nats.
        entropy_tuned: Entropy of the tuned distribution, in nats.
        kl: KL(tuned ‖ base), in nats.
        coverage: Total probability of the tokens that a remote base returned; all other values here
            are of the distribution over these tokens. With a pair of another vocabulary,
            probability under the base of the tokens of which the pair has an exact opinion. None
            where every value is exact.
        bounded: With a pair of another vocabulary, probability under the base of the tokens of
            which the pair knows only the first piece; None without one, and in older files.
    """

    p_base: float
    p_tuned: float
    logprob_base: float
    logprob_tuned: float
    contributions: tuple[float, ...]
    logprob_contributions: tuple[float, ...]
    rank_base: int
    rank_tuned: int
    argmax_base: int
    argmax_tuned: int
    entropy_base: float
    entropy_tuned: float
    kl: float
    coverage: float | None = None
    bounded: float | None = None

    @property
    def unknown(self) -> float | None:
        """Probability under the base of the tokens of which a pair has no opinion, if known."""
        if self.coverage is None or self.bounded is None:
            return None
        return max(1.0 - self.coverage - self.bounded, 0.0)

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
    logits: RoleLogits,
    alphas: Sequence[float],
    token_id: int,
    *,
    partial: bool = False,
    combined: CombinedRows | None = None,
) -> TokenAttribution:
    """Attribute the probability shift of ``token_id`` to the pairs.

    Args:
        logits: Raw rows of every role, each [V].
        alphas: The α of each pair when the token was sampled, [P].
        token_id: The token to explain.
        partial: Whether the base's row holds log-probabilities, and only of some tokens.
        combined: The combined rows, if they have been computed.
    """
    combined = combined or combine(logits, alphas)
    base, tuned = Softmax(logits.base), Softmax(combined.tuned, combined.added)
    apart = sum(tuned.means)  # the mean of log(tuned / base), up to the normalizers
    logprobs = _coalition_logprobs(combined.added, token_id, base, tuned)
    shares = contributions(len(combined.added), logprobs)
    return TokenAttribution(
        p_base=base.p(token_id),
        p_tuned=tuned.p(token_id),
        logprob_base=base.logprob(token_id),
        logprob_tuned=tuned.logprob(token_id),
        contributions=tuple(shares.probability.tolist()),
        logprob_contributions=tuple(shares.logprob.tolist()),
        rank_base=rank(base.row, token_id),
        rank_tuned=rank(tuned.row, token_id),
        argmax_base=base.argmax,
        argmax_tuned=tuned.argmax,
        entropy_base=base.entropy,
        entropy_tuned=tuned.entropy,
        kl=max(apart - (tuned.log_normalizer - base.log_normalizer), 0.0),
        coverage=min(1.0, float(np.exp(base.log_normalizer))) if partial else None,
    )


def _coalition_logprobs(
    added: Sequence[Row], token_id: int, base: Softmax, tuned: Softmax
) -> list[float]:
    """The log-probability of the token under each coalition.

    The first coalition is empty (the base), the last has all pairs.
    """
    between = [float(row[token_id]) - log_normalizer(row) for row in rows_between(base.row, added)]
    last = [tuned.logprob(token_id)] if added else []
    return [base.logprob(token_id), *between, *last]
