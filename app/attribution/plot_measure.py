"""Measures that the plot can show."""

from __future__ import annotations

from enum import StrEnum


class PlotMeasure(StrEnum):
    """A measure of the plot; the value is its key in the saved settings.

    Probability and log-probability have a bar for the contribution of each pair, and lines under
    the base and after tuning. The divergence has bars, and the others have the two lines.
    """

    PROBABILITY = "probability"
    LOG_PROBABILITY = "log-probability"
    SURPRISAL = "surprisal"
    KL = "kl"
    ENTROPY = "entropy"
    RANK = "rank"

    @property
    def by_pair(self) -> bool:
        """Whether there is a bar for each pair."""
        return self in (PlotMeasure.PROBABILITY, PlotMeasure.LOG_PROBABILITY)

    @property
    def needs_pairs(self) -> bool:
        """Whether a run without pairs has no values of it."""
        return self is PlotMeasure.KL

    @property
    def has_lines(self) -> bool:
        """Whether there are lines of the base and of the tuned distribution."""
        return self is not PlotMeasure.KL

    @property
    def has_unit(self) -> bool:
        """Whether the values are in bits or nats."""
        return self not in (PlotMeasure.PROBABILITY, PlotMeasure.RANK)
