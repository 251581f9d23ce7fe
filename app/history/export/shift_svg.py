"""The plots of a run as SVG, without Qt or other libraries: one, or two above each other.

Colours are looked up through a :class:`Paint`: as fixed values in a file of its own, and as CSS
classes in the HTML report.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from app.attribution.attribution import LOW_COVERAGE
from app.attribution.plot_data import PlotData
from app.attribution.plot_measure import PlotMeasure
from app.attribution.row_statistics import Floats
from app.attribution.series import AttributionSeries
from app.colors import Colors
from app.history.export.document import Document, one_line
from app.history.export.plot_titles import axis_title, plot_title

Paint = Callable[[str, str], str]
"""From the attribute (``fill`` or ``stroke``) and the name of a colour to SVG attributes."""

LEFT, TOP, BOTTOM, RIGHT = 44, 34, 26, 12
_PANEL, _GAP = 160, 24
"""Height of a plot, and of the space between two of them."""
_WIDEST_COLUMN, _NARROWEST_COLUMN = 14.0, 2.0
_WIDTH = 1100
_LEAST_WIDTH = 360
_BAR = 0.8
_SHARES = (-1.0, -0.5, 0.0, 0.5, 1.0)
_MOST_TICKS = 5
_LEAST_BAR = 2.5e-4
"""Share of the height of the plot below which a bar is left out."""
_MOST_NAMES = 28
_DASHES, _DOTS = ' stroke-dasharray="3 2"', ' stroke-dasharray="5 2 1 2 1 2"'


@dataclass(frozen=True, slots=True)
class Geometry:
    """The layout of one plot, in pixels.

    Attributes:
        count: Number of tokens.
        column: Width of a token's column; the first begins at ``LEFT``.
        width: Width of the picture.
        lowest: The value at the lower edge.
        highest: The value at the upper edge.
        top: The upper edge.
    """

    count: int
    column: float
    width: float
    lowest: float
    highest: float
    top: float = TOP

    def x(self, place: float) -> float:
        """The x coordinate of a token index; index + 0.5 is the middle of its column."""
        return LEFT + place * self.column

    def y(self, value: float) -> float:
        """The y coordinate of a value."""
        return self.top + (self.highest - value) / (self.highest - self.lowest) * _PANEL


@dataclass(frozen=True, slots=True)
class _Plot:
    """One plot: its numbers, its bars, [T, K], and its lines, each [T]."""

    data: PlotData
    bars: Floats
    base: Floats
    tuned: Floats
    place: Geometry


def standalone_svg(document: Document, colors: Colors) -> str:
    """The plot as an SVG file with fixed colours."""

    def paint(what: str, name: str) -> str:
        pair = name.removeprefix("pair")
        color = colors.of_pair(int(pair)) if pair.isdigit() else getattr(colors, name)
        return f'{what}="{color}"'

    return draw(document, paint, background=True)


def geometry_of(document: Document) -> Geometry:
    """The layout of the first plot of a run."""
    return _plots(document)[0].place


def height_of(document: Document) -> int:
    """The height of the picture of a run, in pixels."""
    plots = len(document.shown.plots_of(len(document.pair_names)))
    return TOP + plots * _PANEL + (plots - 1) * _GAP + BOTTOM


def draw(document: Document, paint: Paint, *, background: bool) -> str:
    """The plots as an ``svg`` element.

    Args:
        document: The run.
        paint: Gives the attributes of a colour.
        background: Whether to fill the background.
    """
    plots = _plots(document)
    place, height = plots[0].place, height_of(document)
    title = plot_title(document.shown.plots_of(len(document.pair_names)), document.shown)
    label = f"{title}: {len(document.tokens)} tokens. The table of tokens has the same numbers."
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{place.width:.0f}" height="{height}" '
        f'viewBox="0 0 {place.width:.0f} {height}" role="img" aria-label="{escape(label)}" '
        'font-family="sans-serif" font-size="11">',
    ]
    if background:
        parts.append(f'<rect width="100%" height="100%" {paint("fill", "surface")}/>')
    for plot in plots:
        parts += _drawn(document, plot, paint)
    parts += _numbers(place, height, paint)
    parts += _legend(document, paint)
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _plots(document: Document) -> list[_Plot]:
    """The plots, from the top."""
    pairs, shown = len(document.pair_names), document.shown
    series = AttributionSeries(pairs)
    series.extend([token.attribution for token in document.tokens])
    count = max(len(document.tokens), 1)
    column = min(max((_WIDTH - LEFT - RIGHT) / count, _NARROWEST_COLUMN), _WIDEST_COLUMN)
    width = max(LEFT + count * column + RIGHT, _LEAST_WIDTH)
    plots = []
    for number, measure in enumerate(shown.plots_of(pairs)):
        data = PlotData(series, measure, shown.unit)
        bars = np.nan_to_num(data.bars(range(pairs)))
        base = np.nan_to_num(data.base) if pairs else np.zeros(0)
        tuned = np.nan_to_num(data.tuned)
        lowest, highest = data.height(bars, (base, tuned))
        top = TOP + number * (_PANEL + _GAP)
        place = Geometry(count, column, width, lowest, highest, top)
        plots.append(_Plot(data, bars, base, tuned, place))
    return plots


def _drawn(document: Document, plot: _Plot, paint: Paint) -> list[str]:
    """The axis, the bars and the lines of a plot."""
    place, by_pair = plot.place, plot.data.measure.by_pair
    parts = _axis(document, plot, paint)
    for pair, path in enumerate(_bars(plot.bars, place)):
        color = f"pair{pair}" if by_pair else "heat"
        parts.append(f'<path {paint("fill", color)} d="{path}"/>')
    for values, color, dash in ((plot.base, "muted", _DASHES), (plot.tuned, "text", "")):
        if len(values):
            points = _line(values.tolist(), place)
            parts.append(f'<path fill="none" {paint("stroke", color)}{dash} d="{points}"/>')
    if document.partial and by_pair:
        parts += _coverage(document, plot, paint)
    return parts


def _axis(document: Document, plot: _Plot, paint: Paint) -> list[str]:
    place, measure = plot.place, plot.data.measure
    right = place.width - RIGHT
    parts = []
    for tick in _ticks(place, measure):
        y = place.y(tick)
        name = f"{10**tick:,.0f}" if measure is PlotMeasure.RANK else _tick(tick)
        parts.append(
            f'<line x1="{LEFT}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}" '
            f"{paint('stroke', 'border')}/>"
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" {paint("fill", "muted")}>'
            f"{name}</text>"
        )
    title = axis_title(measure, document.shown)
    parts.append(
        f'<text x="4" y="{place.top - 5:.1f}" {paint("fill", "muted")}>{escape(title)}</text>'
    )
    return parts


def _ticks(place: Geometry, measure: PlotMeasure) -> list[float]:
    """The values with a line across the plot; ranks are drawn by their logarithms."""
    if measure is PlotMeasure.PROBABILITY:
        return [tick for tick in _SHARES if tick >= place.lowest]
    if measure is PlotMeasure.RANK:
        return [float(tick) for tick in range(math.floor(place.highest) + 1)]
    least = (place.highest - place.lowest) / _MOST_TICKS
    unit = 10.0 ** math.floor(math.log10(least))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= least)
    first, last = math.ceil(place.lowest / step), math.floor(place.highest / step)
    return [number * step for number in range(first, last + 1)]


def _numbers(place: Geometry, height: int, paint: Paint) -> list[str]:
    """The numbers of tokens below the plots."""
    every = _step(place)
    return [
        f'<text x="{place.x(number - 0.5):.1f}" y="{height - 8}" text-anchor="middle" '
        f"{paint('fill', 'muted')}>{number}</text>"
        for number in range(every, place.count + 1, every)
    ]


def _tick(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")


def _step(place: Geometry) -> int:
    """The interval of token numbers on the x axis."""
    needed = 48 / place.column
    steps = (1, 2, 5, 10, 20, 50, 100)
    return next(step for step in steps if step >= needed)


def _bars(values: Floats, place: Geometry) -> list[str]:
    """One path for each column of bars, stacked from 0, positive up and negative down."""
    up, down = np.zeros(len(values)), np.zeros(len(values))
    width, least = _BAR * place.column, _LEAST_BAR * (place.highest - place.lowest)
    paths = []
    for column in range(values.shape[1]):
        heights = values[:, column]
        bottoms = np.where(heights >= 0, up, down)
        up, down = up + np.maximum(heights, 0), down + np.minimum(heights, 0)
        paths.append(
            "".join(
                f"M{place.x(i + (1 - _BAR) / 2):.1f} {place.y(bottom):.1f}h{width:.1f}"
                f"V{place.y(bottom + height):.1f}h{-width:.1f}z"
                for i, (bottom, height) in enumerate(zip(bottoms, heights, strict=True))
                if abs(height) >= least
            )
        )
    return paths


def _line(values: Sequence[float], place: Geometry) -> str:
    points = [
        f"{place.x(i + 0.5):.1f} {place.y(value):.1f}"
        for i, value in enumerate(np.nan_to_num(np.array(values)).tolist())
    ]
    return f"M{'L'.join(points)}" if points else ""


def _coverage(document: Document, plot: _Plot, paint: Paint) -> list[str]:
    """The line of the coverage, with marks at the upper edge where it is low."""
    place = plot.place
    known = [token.attribution.coverage for token in document.tokens]
    marks = "".join(
        f"M{place.x(i):.1f} {place.top}h{place.column:.1f}v4h{-place.column:.1f}z"
        for i, value in enumerate(known)
        if value is not None and value < LOW_COVERAGE
    )
    line = _line(plot.data.coverage.tolist(), place)
    return [
        f'<path fill="none" {paint("stroke", "more")}{_DOTS} d="{line}"/>',
        f'<path {paint("fill", "danger")} d="{marks}"/>' if marks else "",
    ]


def _legend(document: Document, paint: Paint) -> list[str]:
    names = document.pair_names
    measures = document.shown.plots_of(len(names))
    by_pair = any(measure.by_pair for measure in measures)
    bars = [(f"pair{pair}", name) for pair, name in enumerate(names)] if by_pair else []
    if PlotMeasure.KL in measures:
        bars.append(("heat", "KL"))
    parts, left = [], float(LEFT)
    for color, full in bars:
        name = one_line(full)
        shown = name if len(name) <= _MOST_NAMES else f"{name[: _MOST_NAMES - 1]}…"
        parts.append(
            f'<rect x="{left:.0f}" y="5" width="9" height="9" {paint("fill", color)}/>'
            f'<text x="{left + 14:.0f}" y="14" {paint("fill", "muted")}>{escape(shown)}</text>'
        )
        left += 14 + 6.6 * len(shown) + 16
    lines = []
    if any(measure.has_lines for measure in measures):
        lines = [("base", "muted", _DASHES)] if names else []
        lines.append(("tuned" if names else "the distribution", "text", ""))
    lines += [("coverage", "more", _DOTS)] if document.partial and by_pair else []
    for name, color, dash in lines:
        parts.append(
            f'<line x1="{left:.0f}" x2="{left + 14:.0f}" y1="10" y2="10" '
            f"{paint('stroke', color)}{dash}/>"
            f'<text x="{left + 19:.0f}" y="14" {paint("fill", "muted")}>{name}</text>'
        )
        left += 19 + 6.6 * len(name) + 16
    return parts
