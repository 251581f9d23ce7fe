"""Measures by which the text view colours tokens and groups of tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from app.attribution.row_statistics import Floats
from app.attribution.series import AttributionSeries

BIT = math.log(2)
"""Nats per bit. The window shows all amounts of information in bits."""

RANK_CLASSES = (10, 100, 1000)
"""The highest rank of each rank class but the last, which has no upper bound.

Source: Gehrmann et al., GLTR: Statistical Detection and Visualization of Generated Text, 2019.
"""


class Measure(StrEnum):
    """A measure of a token, in bits except for contributions and ranks."""

    SHIFT = "shift"
    CONTRIBUTION = "contribution"
    SURPRISAL = "surprisal"
    BASE_SURPRISAL = "base-surprisal"
    KL = "kl"
    ENTROPY = "entropy"
    RANK = "rank"

    @property
    def reduction(self) -> Reduction:
        """The reduction of the values of a group of tokens to one."""
        return _REDUCTIONS.get(self, Reduction.SUM)

    @property
    def needs_pairs(self) -> bool:
        """Whether the measure is undefined for text that was generated without pairs."""
        return self in _OF_PAIRS


class Reduction(StrEnum):
    """A reduction of the values of several tokens to one."""

    SUM = "sum"
    MEAN = "mean"
    HIGHEST = "highest"


_REDUCTIONS = {Measure.ENTROPY: Reduction.MEAN, Measure.RANK: Reduction.HIGHEST}
_OF_PAIRS = frozenset({Measure.SHIFT, Measure.CONTRIBUTION, Measure.BASE_SURPRISAL, Measure.KL})


def measured(series: AttributionSeries, measure: Measure, pair: int = 0) -> Floats:
    """The values of ``measure`` at every token, [T].

    Args:
        series: The attributions of the text.
        measure: The measure.
        pair: Index of the pair, for ``Measure.CONTRIBUTION``.
    """
    match measure:
        case Measure.SHIFT:
            return series.shift / BIT
        case Measure.CONTRIBUTION:
            return series.contributions[:, pair]
        case Measure.SURPRISAL:
            return -series.logprob_tuned / BIT
        case Measure.BASE_SURPRISAL:
            return -series.logprob_base / BIT
        case Measure.KL:
            return series.kl / BIT
        case Measure.ENTROPY:
            return series.entropy / BIT
        case Measure.RANK:
            return series.rank_base


def reduced(values: Floats, starts: Sequence[int], reduction: Reduction) -> Floats:
    """The reduced value of each group of tokens, [G].

    Args:
        values: The values of the tokens, [T]; at least one.
        starts: Index of the first token of each group, ascending from 0.
        reduction: The reduction.
    """
    places = np.asarray(starts, dtype=np.intp)
    if reduction is Reduction.HIGHEST:
        return np.asarray(np.maximum.reduceat(values, places))
    with np.errstate(invalid="ignore"):
        sums = np.add.reduceat(values, places)
    if reduction is Reduction.SUM:
        return np.asarray(sums)
    return np.asarray(sums / np.diff(places, append=len(values)))


def rank_class(rank: float) -> int:
    """The class of a rank, from 0: up to rank 10, up to 100, up to 1000, or above."""
    return sum(rank > last for last in RANK_CLASSES)
