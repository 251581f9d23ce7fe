"""The plot of contributions and probabilities as SVG, without Qt or other libraries.

Colours are looked up through a :class:`Paint`: as fixed values in a file of its own, and as CSS
classes in the HTML report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from app.attribution.attribution import LOW_COVERAGE
from app.colors import Colors
from app.history.export.document import Document, one_line

Paint = Callable[[str, str], str]
"""From the attribute (``fill`` or ``stroke``) and the name of a colour to SVG attributes."""

LEFT, TOP, BOTTOM, RIGHT = 44, 34, 26, 12
HEIGHT = 220
_WIDEST_COLUMN, _NARROWEST_COLUMN = 14.0, 2.0
_WIDTH = 1100
_LEAST_WIDTH = 360
_BAR = 0.8
_TICKS = (-1.0, -0.5, 0.0, 0.5, 1.0)
_MOST_NAMES = 28
_DASHES, _DOTS = ' stroke-dasharray="3 2"', ' stroke-dasharray="5 2 1 2 1 2"'


@dataclass(frozen=True, slots=True)
class Geometry:
    """The layout of the plot, in pixels.

    Attributes:
        count: Number of tokens.
        column: Width of a token's column; the first begins at ``LEFT``.
        width: Width of the plot.
        lowest: The value at the lower edge; the upper edge is 1.
    """

    count: int
    column: float
    width: float
    lowest: float

    def x(self, place: float) -> float:
        """The x coordinate of a token index; index + 0.5 is the middle of its column."""
        return LEFT + place * self.column

    def y(self, value: float) -> float:
        """The y coordinate of a probability or contribution."""
        return TOP + (1.04 - value) / (1.04 - self.lowest) * (HEIGHT - TOP - BOTTOM)


def standalone_svg(document: Document, colors: Colors) -> str:
    """The plot as an SVG file with fixed colours."""

    def paint(what: str, name: str) -> str:
        pair = name.removeprefix("pair")
        color = colors.of_pair(int(pair)) if pair.isdigit() else getattr(colors, name)
        return f'{what}="{color}"'

    return draw(document, paint, background=True)


def geometry_of(document: Document) -> Geometry:
    """The layout of the plot of a run."""
    count = max(len(document.tokens), 1)
    column = min(max((_WIDTH - LEFT - RIGHT) / count, _NARROWEST_COLUMN), _WIDEST_COLUMN)
    shares = _contributions(document)
    lowest = float(np.minimum(shares, 0).sum(axis=1).min(initial=0.0))
    width = max(LEFT + count * column + RIGHT, _LEAST_WIDTH)
    return Geometry(count, column, width, min(lowest, -0.12) * 1.05)


def draw(document: Document, paint: Paint, *, background: bool) -> str:
    """The plot as an ``svg`` element.

    Args:
        document: The run.
        paint: Gives the attributes of a colour.
        background: Whether to fill the background.
    """
    place = geometry_of(document)
    label = (
        f"Probability shift of each of {len(document.tokens)} tokens, by expert pair. "
        "The table of tokens has the same numbers."
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{place.width:.0f}" height="{HEIGHT}" '
        f'viewBox="0 0 {place.width:.0f} {HEIGHT}" role="img" aria-label="{escape(label)}" '
        'font-family="sans-serif" font-size="11">',
    ]
    if background:
        parts.append(f'<rect width="100%" height="100%" {paint("fill", "surface")}/>')
    parts += _axes(place, paint)
    shares = _contributions(document)
    for pair, path in enumerate(_bars(shares, place)):
        parts.append(f'<path {paint("fill", f"pair{pair}")} d="{path}"/>')
    base = [token.attribution.p_base for token in document.tokens]
    tuned = [token.attribution.p_tuned for token in document.tokens]
    for values, color, dash in ((base, "muted", _DASHES), (tuned, "text", "")):
        points = _line(values, place)
        parts.append(f'<path fill="none" {paint("stroke", color)}{dash} d="{points}"/>')
    if document.partial:
        parts += _coverage(document, place, paint)
    parts += _legend(document, paint)
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _contributions(document: Document) -> NDArray[np.float64]:
    rows = [token.attribution.contributions for token in document.tokens]
    shares = np.array(rows, dtype=np.float64).reshape(len(rows), len(document.pair_names))
    return np.nan_to_num(shares)


def _axes(place: Geometry, paint: Paint) -> list[str]:
    parts = []
    right = place.width - RIGHT
    for tick in _TICKS:
        if tick < place.lowest:
            continue
        y = place.y(tick)
        parts.append(
            f'<line x1="{LEFT}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}" '
            f"{paint('stroke', 'border')}/>"
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" {paint("fill", "muted")}>'
            f"{_tick(tick)}</text>"
        )
    every = _step(place)
    parts += [
        f'<text x="{place.x(number - 0.5):.1f}" y="{HEIGHT - 8}" text-anchor="middle" '
        f"{paint('fill', 'muted')}>{number}</text>"
        for number in range(every, place.count + 1, every)
    ]
    return parts


def _tick(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _step(place: Geometry) -> int:
    """The interval of token numbers on the x axis."""
    needed = 48 / place.column
    steps = (1, 2, 5, 10, 20, 50, 100)
    return next(step for step in steps if step >= needed)


def _bars(shares: NDArray[np.float64], place: Geometry) -> list[str]:
    """One path for each pair: contributions stacked from 0, positive up and negative down."""
    up, down = np.zeros(len(shares)), np.zeros(len(shares))
    width = _BAR * place.column
    paths = []
    for pair in range(shares.shape[1]):
        heights = shares[:, pair]
        bottoms = np.where(heights >= 0, up, down)
        up, down = up + np.maximum(heights, 0), down + np.minimum(heights, 0)
        paths.append(
            "".join(
                f"M{place.x(i + (1 - _BAR) / 2):.1f} {place.y(bottom):.1f}h{width:.1f}"
                f"V{place.y(bottom + height):.1f}h{-width:.1f}z"
                for i, (bottom, height) in enumerate(zip(bottoms, heights, strict=True))
                if abs(height) >= 5e-4
            )
        )
    return paths


def _line(values: Sequence[float], place: Geometry) -> str:
    points = [
        f"{place.x(i + 0.5):.1f} {place.y(value):.1f}"
        for i, value in enumerate(np.nan_to_num(np.array(values)).tolist())
    ]
    return f"M{'L'.join(points)}" if points else ""


def _coverage(document: Document, place: Geometry, paint: Paint) -> list[str]:
    """The line of the coverage, with marks at the upper edge where it is low."""
    known = [token.attribution.coverage for token in document.tokens]
    values = [1.0 if coverage is None else coverage for coverage in known]
    marks = "".join(
        f"M{place.x(i):.1f} {TOP}h{place.column:.1f}v4h{-place.column:.1f}z"
        for i, value in enumerate(values)
        if value < LOW_COVERAGE
    )
    return [
        f'<path fill="none" {paint("stroke", "more")}{_DOTS} d="{_line(values, place)}"/>',
        f'<path {paint("fill", "danger")} d="{marks}"/>' if marks else "",
    ]


def _legend(document: Document, paint: Paint) -> list[str]:
    parts, left = [], float(LEFT)
    for pair, name in enumerate(document.pair_names):
        name = one_line(name)
        shown = name if len(name) <= _MOST_NAMES else f"{name[: _MOST_NAMES - 1]}…"
        parts.append(
            f'<rect x="{left:.0f}" y="9" width="9" height="9" {paint("fill", f"pair{pair}")}/>'
            f'<text x="{left + 14:.0f}" y="18" {paint("fill", "muted")}>{escape(shown)}</text>'
        )
        left += 14 + 6.6 * len(shown) + 16
    lines = [("base", "muted", _DASHES), ("tuned", "text", "")]
    lines += [("coverage", "more", _DOTS)] if document.partial else []
    for name, color, dash in lines:
        parts.append(
            f'<line x1="{left:.0f}" x2="{left + 14:.0f}" y1="14" y2="14" '
            f"{paint('stroke', color)}{dash}/>"
            f'<text x="{left + 19:.0f}" y="18" {paint("fill", "muted")}>{name}</text>'
        )
        left += 19 + 6.6 * len(name) + 16
    return parts
