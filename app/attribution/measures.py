"""The numbers that a token, or a group of tokens, can be coloured by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from app.attribution.row_statistics import Floats
from app.attribution.series import AttributionSeries

BIT = math.log(2)
"""Nats in a bit. What a person sees of information is in bits, everywhere."""

RANK_CLASSES = (10, 100, 1000)
"""The ranks up to which a token belongs to a class; beyond the last there is one more.

Source: Gehrmann et al., GLTR: Statistical Detection and Visualization of Generated Text, 2019.
"""


class Measure(StrEnum):
    """What is measured at each token. All but contributions and ranks are in bits."""

    SHIFT = "shift"
    CONTRIBUTION = "contribution"
    SURPRISAL = "surprisal"
    BASE_SURPRISAL = "base-surprisal"
    KL = "kl"
    ENTROPY = "entropy"
    RANK = "rank"

    @property
    def reduction(self) -> Reduction:
        """How the tokens of a group make one number."""
        return _REDUCTIONS.get(self, Reduction.SUM)

    @property
    def needs_pairs(self) -> bool:
        """Whether it says nothing of a text on which no pair acted."""
        return self in _OF_PAIRS


class Reduction(StrEnum):
    """How several tokens make one number."""

    SUM = "sum"
    MEAN = "mean"
    HIGHEST = "highest"


_REDUCTIONS = {Measure.ENTROPY: Reduction.MEAN, Measure.RANK: Reduction.HIGHEST}
_OF_PAIRS = frozenset({Measure.SHIFT, Measure.CONTRIBUTION, Measure.BASE_SURPRISAL, Measure.KL})


def measured(series: AttributionSeries, measure: Measure, pair: int = 0) -> Floats:
    """``measure`` at every token, [T].

    Args:
        pair: Whose contribution, for ``Measure.CONTRIBUTION``.
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
    """One number for each group of tokens, [G].

    Args:
        values: [T], at least one.
        starts: The first token of each group, ascending from 0.
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
    """The class of a rank, from 0: within the first 10, 100, 1000, or beyond."""
    return sum(rank > last for last in RANK_CLASSES)
