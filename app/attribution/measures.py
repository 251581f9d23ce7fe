"""Measures of tokens: what the text is coloured by, and the plot, searches and exports show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

import numpy as np

from app.attribution.row_statistics import Floats
from app.attribution.series import AttributionSeries

BIT = math.log(2)
"""Nats per bit. Amounts of information are shown in bits unless nats are chosen."""

RANK_CLASSES = (10, 100, 1000)
"""The highest rank of each rank class but the last, which has no upper bound.

Source: Gehrmann et al., GLTR: Statistical Detection and Visualization of Generated Text, 2019.
"""


_Amount = TypeVar("_Amount", float, Floats)


class Unit(StrEnum):
    """A unit of measures."""

    BITS = "bits"
    NATS = "nats"
    PROBABILITY = "probability"
    RANK = "rank"


class Measure(StrEnum):
    """A measure of a token.

    The shift is log p_tuned − log p_base, and p_tuned − p_base in the unit of probabilities. The
    contribution of a pair is its part of the shift, in the same unit.
    """

    SHIFT = "shift"
    CONTRIBUTION = "contribution"
    SURPRISAL = "surprisal"
    BASE_SURPRISAL = "base-surprisal"
    KL = "kl"
    ENTROPY = "entropy"
    RANK = "rank"
    """Rank under the base."""
    PROBABILITY = "probability"
    BASE_PROBABILITY = "base-probability"
    BASE_ENTROPY = "base-entropy"
    TUNED_RANK = "tuned-rank"

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units that the measure has; the first is the usual one."""
        return _UNITS.get(self, (Unit.BITS, Unit.NATS))

    @property
    def signed(self) -> bool:
        """Whether the values are positive where the pairs raised the token, else negative."""
        return self in (Measure.SHIFT, Measure.CONTRIBUTION)

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


_UNITS = {
    Measure.SHIFT: (Unit.BITS, Unit.NATS, Unit.PROBABILITY),
    Measure.CONTRIBUTION: (Unit.PROBABILITY, Unit.BITS, Unit.NATS),
    Measure.PROBABILITY: (Unit.PROBABILITY,),
    Measure.BASE_PROBABILITY: (Unit.PROBABILITY,),
    Measure.RANK: (Unit.RANK,),
    Measure.TUNED_RANK: (Unit.RANK,),
}
_REDUCTIONS = {
    Measure.ENTROPY: Reduction.MEAN,
    Measure.BASE_ENTROPY: Reduction.MEAN,
    Measure.PROBABILITY: Reduction.MEAN,
    Measure.BASE_PROBABILITY: Reduction.MEAN,
    Measure.RANK: Reduction.HIGHEST,
    Measure.TUNED_RANK: Reduction.HIGHEST,
}
_OF_PAIRS = frozenset(
    {
        Measure.SHIFT,
        Measure.CONTRIBUTION,
        Measure.BASE_SURPRISAL,
        Measure.KL,
        Measure.BASE_PROBABILITY,
        Measure.BASE_ENTROPY,
        Measure.TUNED_RANK,
    }
)


def measured(
    series: AttributionSeries, measure: Measure, pair: int = 0, unit: Unit | None = None
) -> Floats:
    """The values of ``measure`` at every token, [T].

    Args:
        series: The attributions of the text.
        measure: The measure.
        pair: Index of the pair, for ``Measure.CONTRIBUTION``.
        unit: One of the measure's units; None for the usual one.
    """
    unit = unit or measure.units[0]
    if unit in (Unit.PROBABILITY, Unit.RANK):
        return _plain(series, measure, pair)
    nats = _nats(series, measure, pair)
    return in_unit(nats, unit)


def in_unit(nats: _Amount, unit: Unit) -> _Amount:
    """An amount of information, or several, in bits or nats."""
    return nats / BIT if unit is Unit.BITS else nats


def _plain(series: AttributionSeries, measure: Measure, pair: int) -> Floats:
    """The values of a measure in probability, or ranks."""
    match measure:
        case Measure.SHIFT:
            return series.p_tuned - series.p_base
        case Measure.CONTRIBUTION:
            return series.contributions[:, pair]
        case Measure.PROBABILITY:
            return series.p_tuned
        case Measure.BASE_PROBABILITY:
            return series.p_base
        case Measure.RANK:
            return series.rank_base
        case Measure.TUNED_RANK:
            return series.rank_tuned
    raise ValueError(f"{measure} is an amount of information")


def _nats(series: AttributionSeries, measure: Measure, pair: int) -> Floats:
    """The values of an amount of information, or of a change of log-probability."""
    match measure:
        case Measure.SHIFT:
            return series.shift
        case Measure.CONTRIBUTION:
            return series.logprob_contributions[:, pair]
        case Measure.SURPRISAL:
            return -series.logprob_tuned
        case Measure.BASE_SURPRISAL:
            return -series.logprob_base
        case Measure.KL:
            return series.kl
        case Measure.ENTROPY:
            return series.entropy
        case Measure.BASE_ENTROPY:
            return series.entropy_base
    raise ValueError(f"{measure} is no amount of information")


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
