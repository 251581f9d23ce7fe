"""Numbers that the plot draws for a run, in the chosen measure and unit; without Qt."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from app.attribution.measures import Measure, Unit, in_unit, measured
from app.attribution.plot_measure import PlotMeasure
from app.attribution.row_statistics import Floats
from app.attribution.series import AttributionSeries

MOST = 64.0
"""Upper bound of an amount of information; that of impossible tokens is drawn at this height."""

_LEAST_BELOW = 0.12
_LEAST_AMOUNT = 1.0
_LEAST_RANKS = 1.0
"""The axis of ranks reaches at least to rank 10, whose logarithm this is."""
_MARGIN = 1.05
_LINES = {
    PlotMeasure.PROBABILITY: (Measure.BASE_PROBABILITY, Measure.PROBABILITY),
    PlotMeasure.LOG_PROBABILITY: (Measure.BASE_SURPRISAL, Measure.SURPRISAL),
    PlotMeasure.SURPRISAL: (Measure.BASE_SURPRISAL, Measure.SURPRISAL),
    PlotMeasure.ENTROPY: (Measure.BASE_ENTROPY, Measure.ENTROPY),
    PlotMeasure.RANK: (Measure.RANK, Measure.TUNED_RANK),
}


class PlotData:
    """Heights of the bars and lines of the plot.

    In probability and log-probability, the bars of a token are the contributions of the pairs.
    Ranks are drawn by their logarithms to base 10.

    Args:
        series: The numbers of the run, one column per measure.
        measure: What is drawn.
        unit: Bits or nats, for amounts of information.
    """

    def __init__(
        self,
        series: AttributionSeries,
        measure: PlotMeasure = PlotMeasure.PROBABILITY,
        unit: Unit = Unit.BITS,
    ) -> None:
        self.series = series
        self.measure = measure
        self.unit = unit

    def bars(self, shown: Collection[int]) -> Floats:
        """Heights of the bars, [T, K].

        Args:
            shown: Indices of the pairs whose bars are shown, ascending.
        """
        if self.measure is PlotMeasure.PROBABILITY:
            return self.series.contributions[:, list(shown)]
        if self.measure is PlotMeasure.LOG_PROBABILITY:
            return self._bounded(self.series.logprob_contributions[:, list(shown)])
        if self.measure is PlotMeasure.KL and self.series.pairs:
            return self._bounded(self.series.kl[:, None])
        return np.zeros((self.series.count, 0))

    @property
    def base(self) -> Floats:
        """The line of the base, [T]."""
        return self._line(0)

    @property
    def tuned(self) -> Floats:
        """The line of the tuned distribution, [T]."""
        return self._line(1)

    @property
    def coverage(self) -> Floats:
        """The line of the coverage, [T]; for probability and log-probability."""
        coverage = self.series.coverage
        if self.measure is PlotMeasure.PROBABILITY:
            return coverage
        with np.errstate(divide="ignore"):
            return self._bounded(np.log(coverage))

    def _line(self, place: int) -> Floats:
        if self.measure not in _LINES:
            return np.zeros(0)
        measure = _LINES[self.measure][place]
        if not self.measure.has_unit:
            values = measured(self.series, measure)
            return values if self.measure is PlotMeasure.PROBABILITY else np.log10(values)
        nats = measured(self.series, measure, unit=Unit.NATS)
        return self._bounded(-nats if self.measure is PlotMeasure.LOG_PROBABILITY else nats)

    def _bounded(self, nats: Floats) -> Floats:
        """Values in the unit; infinite ones are bounded, and unknown ones are 0."""
        values = np.nan_to_num(in_unit(nats, self.unit), posinf=MOST, neginf=-MOST)
        return np.clip(values, -MOST, MOST)

    def height(self, bars: Floats, lines: Sequence[Floats]) -> tuple[float, float]:
        """Lowest and highest value of the axis for the visible part of the bars and lines."""
        below = float(np.minimum(bars, 0).sum(axis=1).min(initial=0.0))
        above = float(np.maximum(bars, 0).sum(axis=1).max(initial=0.0))
        if self.measure is PlotMeasure.PROBABILITY:
            return min(below, -_LEAST_BELOW) * _MARGIN, 1.08
        if self.measure is PlotMeasure.LOG_PROBABILITY:
            lowest = min([below, *(float(line.min(initial=0.0)) for line in lines)])
            return min(lowest, -_LEAST_AMOUNT) * _MARGIN, max(above, _LEAST_AMOUNT) * _MARGIN
        highest = max([above, *(float(line.max(initial=0.0)) for line in lines)])
        least = _LEAST_RANKS if self.measure is PlotMeasure.RANK else _LEAST_AMOUNT
        top = max(highest, least) * _MARGIN
        return -0.03 * top, top
