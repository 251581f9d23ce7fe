"""Axis of the values at the left of the plot."""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.ui.plot.titled_axis import LEFT, TitledAxis, title_height

WIDTH = 46
"""Width of the axis in pixels."""


class ValueAxis(TitledAxis):
    """Axis of the plotted measure; ranks are drawn by their logarithms to base 10."""

    def __init__(self) -> None:
        super().__init__(LEFT)
        self.enableAutoSIPrefix(False)
        self.setStyle(tickLength=-4)
        self.setWidth(WIDTH)
        self._ranks = False

    def show_ranks(self, on: bool) -> None:
        """Label the axis with ranks, or with the values themselves."""
        if on != self._ranks:
            self._ranks = on
            self.picture = None
            self.update()

    def tickValues(  # noqa: N802 — the library's name
        self, lowest: float, highest: float, size: float
    ) -> list[tuple[float, list[float]]]:
        """The library's ticks, or powers of ten, as many as have room."""
        if not self._ranks:
            ticks: list[tuple[float, list[float]]] = super().tickValues(lowest, highest, size)
            return ticks
        first, room = max(math.ceil(lowest), 0), size / max(highest - lowest, 1e-9)
        step = max(math.ceil(title_height() / max(room, 1e-9)), 1)
        powers = range(first, math.floor(highest) + 1, step)
        return [(float(step), [float(power) for power in powers])]

    def tickStrings(  # noqa: N802 — the library's name
        self, values: Sequence[float], scale: float, spacing: float
    ) -> list[str]:
        """The library's numbers, or ranks."""
        if not self._ranks:
            texts: list[str] = super().tickStrings(values, scale, spacing)
            return texts
        return [f"{10 ** round(value):,}" for value in values]
