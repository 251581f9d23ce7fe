"""Totals of a text, or of its last part: perplexities, shift, flips, entropy and KL."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.attribution.attribution import TokenAttribution
from app.attribution.measures import BIT
from app.attribution.series import AttributionSeries


@dataclass(frozen=True, slots=True)
class RunTotals:
    """Totals of the tokens of a text. Means are over tokens, in bits.

    Attributes:
        tokens: Number of tokens.
        perplexity_base: exp(−mean log p) under the base; ``perplexity_tuned`` likewise.
        mean_shift: Mean of log₂ p_tuned − log₂ p_base.
        flips: Number of flips.
        mean_entropy: Mean entropy of the tuned distribution.
        mean_kl: Mean of KL(tuned ‖ base).
    """

    tokens: int
    perplexity_base: float
    perplexity_tuned: float
    mean_shift: float
    flips: int
    mean_entropy: float
    mean_kl: float


@dataclass(slots=True)
class TotalsSoFar:
    """Sums over tokens of one text or many, which need not be kept; logarithms are natural."""

    tokens: int = 0
    logprob_base: float = 0.0
    logprob_tuned: float = 0.0
    shift: float = 0.0
    flips: int = 0
    entropy: float = 0.0
    kl: float = 0.0

    def add(self, series: AttributionSeries, first: int = 0) -> None:
        """Add the tokens of a text from token ``first`` on."""
        self.tokens += max(series.count - first, 0)
        self.logprob_base += float(series.logprob_base[first:].sum())
        self.logprob_tuned += float(series.logprob_tuned[first:].sum())
        self.shift += float(series.shift[first:].sum())
        self.flips += int(np.count_nonzero(series.flipped[first:]))
        self.entropy += float(series.entropy[first:].sum())
        self.kl += float(series.kl[first:].sum())

    def add_tokens(self, tokens: Sequence[TokenAttribution]) -> None:
        """Add a text whose attributions are at hand."""
        if tokens:
            series = AttributionSeries(len(tokens[0].contributions))
            series.extend(tokens)
            self.add(series)

    def totals(self) -> RunTotals | None:
        """What the tokens come to; None without tokens."""
        if not self.tokens:
            return None
        return RunTotals(
            tokens=self.tokens,
            perplexity_base=_perplexity(self.logprob_base / self.tokens),
            perplexity_tuned=_perplexity(self.logprob_tuned / self.tokens),
            mean_shift=self.shift / self.tokens / BIT,
            flips=self.flips,
            mean_entropy=self.entropy / self.tokens / BIT,
            mean_kl=self.kl / self.tokens / BIT,
        )


def totals_of(series: AttributionSeries, first: int = 0) -> RunTotals | None:
    """Totals of a text from token ``first`` on; None without tokens."""
    found = TotalsSoFar()
    found.add(series, first)
    return found.totals()


def _perplexity(mean_logprob: float) -> float:
    """Perplexity; infinite if a token had probability 0."""
    return math.exp(-mean_logprob) if mean_logprob > -700 else math.inf
