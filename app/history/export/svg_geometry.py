"""What the plots of a picture share: their layout, and paths of bars and lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Paint = Callable[[str, str], str]
"""From the attribute (``fill`` or ``stroke``) and the name of a colour to SVG attributes."""

LEFT, TOP, BOTTOM, RIGHT = 44, 34, 26, 12
PANEL, GAP = 160, 24
"""Height of a plot, and of the space between two of them."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """The layout of one plot, in pixels.

    Attributes:
        count: Number of tokens.
        column: Width of a token's column; the first begins at ``LEFT``.
        right: The right edge.
        lowest: The value at the lower edge.
        highest: The value at the upper edge.
        top: The upper edge.
        height: The distance of the lower edge from the upper one.
    """

    count: int
    column: float
    right: float
    lowest: float
    highest: float
    top: float = TOP
    height: float = PANEL

    def x(self, place: float) -> float:
        """The x coordinate of a token index; index + 0.5 is the middle of its column."""
        return LEFT + place * self.column

    def y(self, value: float) -> float:
        """The y coordinate of a value."""
        return self.top + (self.highest - value) / (self.highest - self.lowest) * self.height


def line_path(values: Sequence[float], place: Geometry) -> str:
    """The path of a line through the middle of each token's column; NaN is drawn as 0."""
    points = [
        f"{place.x(i + 0.5):.1f} {place.y(value):.1f}"
        for i, value in enumerate(np.nan_to_num(np.array(values)).tolist())
    ]
    return f"M{'L'.join(points)}" if points else ""


def grid_line(value: float, name: str, place: Geometry, paint: Paint) -> str:
    """A line across a plot with the name of its value at the left."""
    y = place.y(value)
    return (
        f'<line x1="{LEFT}" x2="{place.right:.1f}" y1="{y:.1f}" y2="{y:.1f}" '
        f"{paint('stroke', 'border')}/>"
        f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" {paint("fill", "muted")}>'
        f"{name}</text>"
    )


def written_tick(value: float) -> str:
    """A value at an axis."""
    return f"{value:.6g}".replace("-", "−")
