"""What reports and pictures of a run show: the tint of its text, and the measures of its plots."""

from __future__ import annotations

from dataclasses import dataclass

from app.attribution.measures import BIT, Measure, Unit
from app.attribution.plot_measure import PlotMeasure
from app.attribution.tint_scale import USUAL, TintScale


@dataclass(frozen=True, slots=True)
class ShownMeasures:
    """The choice of what is shown.

    Attributes:
        tint: The measure that tokens are coloured by.
        pair: Index of the pair, for contributions.
        scale: The unit and the limit of the colours.
        plots: The measures of the plots, from the top.
        unit: Bits or nats, for amounts of information in plots, tables and descriptions.
    """

    tint: Measure = Measure.SHIFT
    pair: int = 0
    scale: TintScale = USUAL
    plots: tuple[PlotMeasure, ...] = (PlotMeasure.PROBABILITY,)
    unit: Unit = Unit.BITS

    def for_pairs(self, pairs: int) -> tuple[Measure, int]:
        """The tint and its pair, or a similar one that a run with ``pairs`` pairs has."""
        if not pairs and self.tint.needs_pairs:
            return Measure.SURPRISAL, 0
        if self.tint is Measure.CONTRIBUTION and self.pair >= pairs:
            return Measure.SHIFT, 0
        return self.tint, self.pair

    def plots_of(self, pairs: int) -> tuple[PlotMeasure, ...]:
        """The measures of the plots that a run with ``pairs`` pairs has; at least one."""
        kept = tuple(each for each in self.plots if pairs or not each.needs_pairs)
        return kept or (PlotMeasure.PROBABILITY,)

    def amount(self, nats: float) -> float:
        """An amount of information in the unit."""
        return nats / BIT if self.unit is Unit.BITS else nats


USUAL_MEASURES = ShownMeasures()
