"""The attributions of a run as NumPy columns, for vectorised operations over all tokens."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.attribution.attribution import LOW_COVERAGE, TokenAttribution
from app.attribution.row_statistics import Floats

_FIRST_CAPACITY = 256
_OTHERS = 11
"""The number of columns after the two of each pair."""


@dataclass(frozen=True, slots=True)
class RangeTotals:
    """Totals over a range of tokens.

    Attributes:
        tokens: Number of tokens.
        contributions: Sum of each pair's contributions, in probability, [P].
        logprob_contributions: The same in log-probability, in nats, [P].
        shift: Sum of log p_tuned − log p_base, in nats.
        flips: Number of tokens at which the argmax of base and tuned distribution differ.
        mean_kl: Mean of KL(tuned ‖ base), in nats.
    """

    tokens: int
    contributions: tuple[float, ...]
    logprob_contributions: tuple[float, ...]
    shift: float
    flips: int
    mean_kl: float


class AttributionSeries:
    """Columns of attributions, all [T]; growing costs amortised constant time.

    Logarithms are natural, as in :class:`~app.attribution.attribution.TokenAttribution`.

    Args:
        pairs: The number of pairs; 0 for text of a single role.
    """

    def __init__(self, pairs: int) -> None:
        self.pairs = pairs
        self._values = np.zeros((_FIRST_CAPACITY, 2 * pairs + _OTHERS))
        self.count = 0
        self.partial = False
        """Whether the base returned log-probabilities of only some tokens at any position."""

    def extend(self, tokens: Sequence[TokenAttribution]) -> None:
        """Append tokens."""
        needed = self.count + len(tokens)
        if needed > len(self._values):
            grown = np.zeros((max(needed, 2 * len(self._values)), 2 * self.pairs + _OTHERS))
            grown[: self.count] = self._values[: self.count]
            self._values = grown
        if tokens:
            self._values[self.count : needed] = [
                (
                    *token.contributions,
                    *token.logprob_contributions,
                    token.p_base,
                    token.p_tuned,
                    token.logprob_base,
                    token.logprob_tuned,
                    token.kl,
                    token.entropy_tuned,
                    token.rank_base,
                    token.argmax_base != token.argmax_tuned,
                    1.0 if token.coverage is None else token.coverage,
                    token.entropy_base,
                    token.rank_tuned,
                )
                for token in tokens
            ]
            self.partial |= any(token.coverage is not None for token in tokens)
        self.count = needed

    def so_far(self) -> AttributionSeries:
        """A snapshot of the current tokens that :meth:`extend` does not change; shares memory."""
        return copy(self)

    @property
    def contributions(self) -> Floats:
        """Contributions of the pairs, [T, P], in probability."""
        return self._values[: self.count, : self.pairs]

    @property
    def logprob_contributions(self) -> Floats:
        """Contributions of the pairs to the log-probability, [T, P], in nats."""
        return self._values[: self.count, self.pairs : 2 * self.pairs]

    @property
    def p_base(self) -> Floats:
        return self._column(0)

    @property
    def p_tuned(self) -> Floats:
        return self._column(1)

    @property
    def logprob_base(self) -> Floats:
        return self._column(2)

    @property
    def logprob_tuned(self) -> Floats:
        return self._column(3)

    @property
    def shift(self) -> Floats:
        """log p_tuned − log p_base; 0 where both probabilities are 0."""
        base, tuned = self.logprob_base, self.logprob_tuned
        with np.errstate(invalid="ignore"):
            return np.where(base == tuned, 0.0, tuned - base)

    @property
    def kl(self) -> Floats:
        """KL(tuned ‖ base), in nats."""
        return self._column(4)

    @property
    def entropy(self) -> Floats:
        """Entropy of the tuned distribution, in nats."""
        return self._column(5)

    @property
    def rank_base(self) -> Floats:
        """Rank of the token under the base, from 1."""
        return self._column(6)

    @property
    def flipped(self) -> NDArray[np.bool_]:
        """Whether the argmax differs between base and tuned distribution."""
        return np.asarray(self._column(7) != 0)

    @property
    def coverage(self) -> Floats:
        """Total probability of the tokens that the base returned; 1 where it returned all."""
        return self._column(8)

    @property
    def entropy_base(self) -> Floats:
        """Entropy of the base's distribution, in nats."""
        return self._column(9)

    @property
    def rank_tuned(self) -> Floats:
        """Rank of the token under the tuned distribution, from 1."""
        return self._column(10)

    @property
    def thin(self) -> NDArray[np.bool_]:
        """Whether the coverage is below ``LOW_COVERAGE``."""
        return np.asarray(self.coverage < LOW_COVERAGE)

    def totals(self, first: int, end: int) -> RangeTotals:
        """Totals over the tokens from ``first`` to ``end``, exclusive; at least one token."""
        part = slice(first, end)
        with np.errstate(invalid="ignore"):  # ∞ − ∞ is NaN: the shift of such a range is unknown
            shift = float(self.shift[part].sum())
            in_logs = tuple(self.logprob_contributions[part].sum(axis=0).tolist())
        return RangeTotals(
            tokens=len(self.kl[part]),
            contributions=tuple(self.contributions[part].sum(axis=0).tolist()),
            logprob_contributions=in_logs,
            shift=shift,
            flips=int(self.flipped[part].sum()),
            mean_kl=float(self.kl[part].mean()),
        )

    def _column(self, index: int) -> Floats:
        return self._values[: self.count, 2 * self.pairs + index]
