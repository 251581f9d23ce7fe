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
        """Round numbers, or powers of ten, as many as have room above each other."""
        if not (highest > lowest and size > 0):
            return []
        needed = title_height() * (highest - lowest) / size
        if not self._ranks:
            spacing = _round_above(needed)
            places = range(math.ceil(lowest / spacing), math.floor(highest / spacing) + 1)
            return [(spacing, [place * spacing for place in places])]
        first, step = max(math.ceil(lowest), 0), max(math.ceil(needed), 1)
        powers = range(first, math.floor(highest) + 1, step)
        return [(float(step), [float(power) for power in powers])]

    def tickStrings(  # noqa: N802 — the library's name
        self, values: Sequence[float], scale: float, spacing: float
    ) -> list[str]:
        """The library's numbers with a minus sign, or ranks."""
        if not self._ranks:
            texts: list[str] = super().tickStrings(values, scale, spacing)
            return [text.replace("-", "−") for text in texts]
        return [f"{10 ** round(value):,}" for value in values]


def _round_above(size: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is at least ``size``."""
    power = 10.0 ** math.floor(math.log10(size))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= size)
