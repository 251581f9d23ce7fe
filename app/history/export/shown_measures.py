"""What reports and pictures of a run show: the tint of its text, and the measures of its plots."""

from __future__ import annotations

from dataclasses import dataclass

from app.attribution.measures import Unit, in_unit
from app.attribution.plot_measure import PlotMeasure
from app.attribution.plot_parts import HIDDEN_AT_FIRST
from app.attribution.tint_scale import USUAL, USUAL_TINT, Tint, TintScale


@dataclass(frozen=True, slots=True)
class ShownMeasures:
    """The choice of what is shown.

    Attributes:
        tint: What tokens are coloured by.
        scale: The unit and the limit of the colours.
        plots: The measures of the plots, from the top.
        unit: Bits or nats, for amounts of information in plots, tables and descriptions.
        hidden: Keys of the parts of the plots that are hidden (:mod:`app.attribution.plot_parts`).
    """

    tint: Tint = USUAL_TINT
    scale: TintScale = USUAL
    plots: tuple[PlotMeasure, ...] = (PlotMeasure.PROBABILITY,)
    unit: Unit = Unit.BITS
    hidden: frozenset[str] = HIDDEN_AT_FIRST

    def plots_of(self, pairs: int) -> tuple[PlotMeasure, ...]:
        """The measures of the plots that a run with ``pairs`` pairs has; at least one."""
        kept = tuple(each for each in self.plots if pairs or not each.needs_pairs)
        return kept or (PlotMeasure.PROBABILITY,)

    def amount(self, nats: float) -> float:
        """An amount of information in the unit."""
        return in_unit(nats, self.unit)


USUAL_MEASURES = ShownMeasures()
