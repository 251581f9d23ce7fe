"""Statistics of a part of a run: perplexities, mean shift and flips."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.attribution.measures import BIT
from app.ui.state.runs.run import Run


@dataclass(frozen=True, slots=True)
class ComparedFigures:
    """Statistics of a part of a run.

    Attributes:
        tokens: Number of tokens.
        perplexity_base: exp(−mean log p) under the base; ``perplexity_tuned`` likewise.
        mean_shift: Mean of log₂ p_tuned − log₂ p_base, in bits.
        flips: Number of flips.
    """

    tokens: int
    perplexity_base: float
    perplexity_tuned: float
    mean_shift: float
    flips: int


def figures_of(run: Run, first: int = 0) -> ComparedFigures | None:
    """Statistics of ``run`` from token ``first`` on; None without tokens."""
    series = run.series
    if first >= series.count:
        return None
    return ComparedFigures(
        tokens=series.count - first,
        perplexity_base=_perplexity(float(series.logprob_base[first:].mean())),
        perplexity_tuned=_perplexity(float(series.logprob_tuned[first:].mean())),
        mean_shift=float(series.shift[first:].mean()) / BIT,
        flips=int(np.count_nonzero(series.flipped[first:])),
    )


def _perplexity(mean_logprob: float) -> float:
    """Perplexity; infinite if a token had probability 0."""
    return math.exp(-mean_logprob) if mean_logprob > -700 else math.inf
