"""The alphas of one run, token by token: those of the recipe, scaled by a policy. No torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from app.decoding.alpha_policy import AlphaPolicy, PolicyKind
from app.decoding.detokenizer import Detokenizer
from app.decoding.kl_limit import largest_scale
from app.decoding.thinking import Thinking, ThinkingSplitter
from app.decoding.tuned_logits import Row, pair_difference
from app.decoding.types import RoleLogits

Alphas = tuple[float, ...]
_LOG_2 = math.log(2)


class AlphaSchedule:
    """A policy that follows one run. It knows the text so far where the policy depends on it.

    Args:
        policy: The policy.
        thinking: How the run may think.
        detokenizer: A detokenizer of its own, after the base's prompt.
    """

    def __init__(self, policy: AlphaPolicy, thinking: Thinking, detokenizer: Detokenizer) -> None:
        self.policy = policy
        self._splitter = ThinkingSplitter(thinking)
        self._detokenizer = detokenizer

    def push(self, token_id: int) -> None:
        """Add a token of the run."""
        if self.policy.needs_text and (text := self._detokenizer.push(token_id)):
            for _ in self._splitter.push(text):
                pass  # the state of the splitter is what is wanted

    def known_factor(self, index: int) -> float:
        """The factor of token ``index``, if the policy goes by place alone."""
        if self.policy.kind is PolicyKind.RAMP:
            return self.policy.ramp(index)
        return float(self._splitter.inside == (self.policy.kind is PolicyKind.THINKING))

    def factor(self, index: int, base: Row) -> float:
        """The factor of token ``index``, if the policy goes by the base's row at most."""
        match self.policy.kind:
            case PolicyKind.ENTROPY:
                return self.policy.above(entropy(base) / _LOG_2)
            case PolicyKind.CONFIDENCE:
                return self.policy.below(confidence(base))
            case _:
                return self.known_factor(index)

    def scaled(self, alphas: Alphas, index: int, rows: Callable[[], RoleLogits]) -> Alphas:
        """The alphas that token ``index`` is sampled with.

        Args:
            alphas: The alphas of the recipe or of the sliders.
            index: The index of the token in the run, from 0.
            rows: Returns the raw rows of the position; called only if the policy needs them.
        """
        if self.policy.is_constant:
            return alphas
        if self.policy.by_place:
            return times(alphas, self.known_factor(index))
        logits = rows()
        match self.policy.kind:
            case PolicyKind.AGREEMENT:
                shares = _agreements(logits)
                return tuple(
                    alpha * self.policy.below(share)
                    for alpha, share in zip(alphas, shares, strict=True)
                )
            case PolicyKind.KL:
                return times(alphas, self._within_limit(logits, alphas))
            case _:
                return times(alphas, self.factor(index, logits.base))

    def _within_limit(self, logits: RoleLogits, alphas: Alphas) -> float:
        moving = [pair for pair, alpha in enumerate(alphas) if alpha]
        if not moving:
            return 1.0
        whole = np.zeros(logits.base.shape)
        for pair in moving:
            whole += alphas[pair] * pair_difference(logits, pair).astype(np.float64)
        return largest_scale(logits.base, whole, self.policy.numbers[0] * _LOG_2)


def times(alphas: Sequence[float], factor: float) -> Alphas:
    """Alphas multiplied by a factor; a factor of 1 leaves them as they are, bit for bit."""
    return tuple(alpha * factor for alpha in alphas)


def entropy(row: Row) -> float:
    """The entropy of softmax(``row``), in nats."""
    below = row.astype(np.float64) - float(row.max())
    weights = np.exp(below)
    total = float(weights.sum())
    np.copyto(below, 0.0, where=weights == 0.0)  # 0 · −∞
    return max(math.log(total) - float(np.einsum("v,v->", weights, below)) / total, 0.0)


def confidence(row: Row) -> float:
    """The highest probability of softmax(``row``)."""
    return 1.0 / float(np.exp(row.astype(np.float64) - float(row.max())).sum())


def _agreements(logits: RoleLogits) -> list[float]:
    """The agreement Σ_v min(p_base, p_expert) of the base with the expert of each pair, [P]."""
    base = _probabilities(logits.base)
    return [float(np.minimum(base, _probabilities(row)).sum()) for row in logits.experts]


def _probabilities(row: Row) -> Row:
    weights = np.exp(row.astype(np.float64) - float(row.max()))
    found: Row = weights / weights.sum()
    return found
