"""The figures of a part of a text: what each side thinks of it, and what the pairs did."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.attribution.measures import BIT
from app.ui.state.texts.text_run import Run


@dataclass(frozen=True, slots=True)
class TextFigures:
    """A part of a text in numbers.

    Attributes:
        tokens: How many tokens.
        perplexity_base: exp(−mean log p) under the base; ``perplexity_tuned`` likewise.
        mean_shift: Mean of log₂ p_tuned − log₂ p_base, in bits.
        flips: At how many tokens the pairs changed the first choice.
    """

    tokens: int
    perplexity_base: float
    perplexity_tuned: float
    mean_shift: float
    flips: int


def figures_of(run: Run, first: int = 0) -> TextFigures | None:
    """The figures of ``run`` from token ``first`` on; None where there is none."""
    series = run.series
    if first >= series.count:
        return None
    return TextFigures(
        tokens=series.count - first,
        perplexity_base=_perplexity(float(series.logprob_base[first:].mean())),
        perplexity_tuned=_perplexity(float(series.logprob_tuned[first:].mean())),
        mean_shift=float(series.shift[first:].mean()) / BIT,
        flips=int(np.count_nonzero(series.flipped[first:])),
    )


def _perplexity(mean_logprob: float) -> float:
    """Infinite where the text holds a token that was impossible."""
    return math.exp(-mean_logprob) if mean_logprob > -700 else math.inf
