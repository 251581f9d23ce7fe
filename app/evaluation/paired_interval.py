"""Confidence intervals of paired differences over documents. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from app.evaluation.metrics import ratio

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference and its 95% confidence interval; infinite where it cannot be estimated."""

    value: float
    low: float
    high: float

    @property
    def is_above_zero(self) -> bool:
        """Whether the difference is positive beyond chance."""
        return self.low > 0

    @property
    def is_below_zero(self) -> bool:
        """Whether the difference is negative beyond chance."""
        return self.high < 0


def paired_difference(
    one: Sequence[float], other: Sequence[float], sizes: Sequence[float]
) -> Interval:
    """The interval of (Σ one − Σ other) / Σ sizes, where each document has one entry in each list.

    Both models answer the same documents, so that what makes a document hard cancels out. The
    standard error is that of a ratio; Student's t has one degree of freedom less than documents.
    """
    differences = [a - b for a, b in zip(one, other, strict=True)]
    measure = ratio(differences, sizes)
    if measure.stderr is None:
        return Interval(measure.score, -math.inf, math.inf)
    margin = _t_quantile(measure.count - 1) * measure.stderr
    return Interval(measure.score, measure.score - margin, measure.score + margin)


def _t_quantile(freedom: int) -> float:
    """Student's t for a two-sided interval, within 0.5% from 4 degrees of freedom on.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, equation 26.7.5.
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    terms: tuple[float, ...] = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    powers = (float(freedom) ** power for power in range(1, len(terms) + 1))
    return z + sum(term / power for term, power in zip(terms, powers, strict=True))
