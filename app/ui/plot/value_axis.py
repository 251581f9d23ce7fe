"""Axis of the values at the left of the plot."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pyqtgraph as pg

WIDTH = 54
"""Width of the axis with its title in pixels."""


class ValueAxis(pg.AxisItem):  # type: ignore[misc]
    """Axis of the plotted measure; ranks are drawn by their logarithms to base 10."""

    def __init__(self) -> None:
        super().__init__("left")
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
        """The library's ticks, or powers of ten."""
        if not self._ranks:
            ticks: list[tuple[float, list[float]]] = super().tickValues(lowest, highest, size)
            return ticks
        first = max(math.ceil(lowest), 0)
        return [(1.0, [float(power) for power in range(first, math.floor(highest) + 1)])]

    def tickStrings(  # noqa: N802 — the library's name
        self, values: Sequence[float], scale: float, spacing: float
    ) -> list[str]:
        """The library's numbers, or ranks."""
        if not self._ranks:
            texts: list[str] = super().tickStrings(values, scale, spacing)
            return texts
        return [f"{10 ** round(value):,}" for value in values]
