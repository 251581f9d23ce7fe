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


def totals_of(series: AttributionSeries, first: int = 0) -> RunTotals | None:
    """Totals of a text from token ``first`` on; None without tokens."""
    if first >= series.count:
        return None
    return RunTotals(
        tokens=series.count - first,
        perplexity_base=_perplexity(float(series.logprob_base[first:].mean())),
        perplexity_tuned=_perplexity(float(series.logprob_tuned[first:].mean())),
        mean_shift=float(series.shift[first:].mean()) / BIT,
        flips=int(np.count_nonzero(series.flipped[first:])),
        mean_entropy=float(series.entropy[first:].mean()) / BIT,
        mean_kl=float(series.kl[first:].mean()) / BIT,
    )


def totals_of_tokens(tokens: Sequence[TokenAttribution]) -> RunTotals | None:
    """Totals of a text whose attributions are at hand; None without tokens."""
    if not tokens:
        return None
    series = AttributionSeries(len(tokens[0].contributions))
    series.extend(tokens)
    return totals_of(series)


def _perplexity(mean_logprob: float) -> float:
    """Perplexity; infinite if a token had probability 0."""
    return math.exp(-mean_logprob) if mean_logprob > -700 else math.inf
