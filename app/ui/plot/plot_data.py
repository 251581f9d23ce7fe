"""Numbers that the plot draws for a run, in probability or in log-probability; without Qt."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from app.attribution.measures import BIT
from app.attribution.row_statistics import Floats
from app.attribution.series import AttributionSeries

LOWEST = -64.0
"""Lower bound in bits; less probable and impossible tokens are drawn at this height."""

_LEAST_BELOW = 0.12
_LEAST_BITS = 1.0


class PlotData:
    """Heights of the bars and lines of the plot.

    In probability, a token has one bar for the contribution of each pair. In log-probability it has
    one bar, log p(tuned) − log p(base), since contributions are defined in probability alone.

    Args:
        series: The numbers of the run, one column per measure.
    """

    def __init__(self, series: AttributionSeries) -> None:
        self.series = series
        self.logarithmic = False

    def bars(self, shown: Collection[int], shift: bool) -> Floats:
        """Heights of the bars, [T, K].

        Args:
            shown: Indices of the pairs whose bars are shown, ascending; for probability.
            shift: Whether the bar of the shift is shown; for log-probability.
        """
        if not self.logarithmic:
            return self.series.contributions[:, list(shown)]
        bits = self.series.shift[:, None] / BIT
        return np.clip(bits if shift else bits[:, :0], LOWEST, -LOWEST)

    @property
    def base(self) -> Floats:
        """The line of the base, [T]."""
        return self._line(self.series.p_base, self.series.logprob_base)

    @property
    def tuned(self) -> Floats:
        """The line of the tuned distribution, [T]."""
        return self._line(self.series.p_tuned, self.series.logprob_tuned)

    @property
    def coverage(self) -> Floats:
        """The line of the coverage, [T]."""
        coverage = self.series.coverage
        with np.errstate(divide="ignore"):
            return self._line(coverage, np.log(coverage) if self.logarithmic else coverage)

    def _line(self, probabilities: Floats, logprobs: Floats) -> Floats:
        if not self.logarithmic:
            return probabilities
        return np.maximum(logprobs / BIT, LOWEST)

    def height(self, bars: Floats, lines: list[Floats]) -> tuple[float, float]:
        """Lowest and highest value of the axis for the visible part of the bars and lines."""
        below = float(np.minimum(bars, 0).sum(axis=1).min(initial=0.0))
        if not self.logarithmic:
            return min(below, -_LEAST_BELOW) * 1.05, 1.08
        above = float(np.maximum(bars, 0).sum(axis=1).max(initial=0.0))
        lowest = min([below, *(float(line.min(initial=0.0)) for line in lines)])
        return min(lowest, -_LEAST_BITS) * 1.05, max(above, _LEAST_BITS) * 1.05
