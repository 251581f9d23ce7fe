"""The plots of a run as SVG, without Qt or other libraries: one, or two above each other.

Colours are looked up through a :class:`Paint`: as fixed values in a file of its own, and as CSS
classes in the HTML report.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from app.attribution.attribution import LOW_COVERAGE
from app.attribution.plot_measure import PlotMeasure
from app.attribution.row_statistics import Floats
from app.colors import Colors
from app.history.export.alpha_svg import WITHOUT_PAIRS, alpha_height, alpha_strip
from app.history.export.document import Document, one_line
from app.history.export.plot_titles import axis_title, plot_title
from app.history.export.svg_geometry import (
    BOTTOM,
    GAP,
    LEFT,
    PANEL,
    TOP,
    Geometry,
    Paint,
    grid_line,
    line_path,
    written_tick,
)
from app.history.export.svg_plots import (
    LEAST_WIDTH,
    Line,
    Plot,
    hidden_names,
    plots_of,
    space_at_right,
)

_BAR = 0.8
_SHARES = (-1.0, -0.5, 0.0, 0.5, 1.0)
_MOST_TICKS, _LEAST_TICK = 5, 16
"""The most numbers at an axis, about, and their least distance in pixels."""
_LEAST_BAR = 2.5e-4
"""Share of the height of the plot below which a bar is left out."""
_MOST_NAMES = 28
_LETTER = 6.6
"""Width of a letter of the legend, about."""


def standalone_svg(document: Document, colors: Colors) -> str:
    """The plot as an SVG file with fixed colours."""

    def paint(what: str, name: str) -> str:
        pair = name.removeprefix("pair")
        color = colors.of_pair(int(pair)) if pair.isdigit() else getattr(colors, name)
        return f'{what}="{color}"'

    return draw(document, paint, background=True)


def height_of(document: Document) -> int:
    """The height of the picture of a run, in pixels."""
    return _height_of_plots(document) + alpha_height(document) + BOTTOM


def _height_of_plots(document: Document) -> int:
    plots = len(document.shown.plots_of(len(document.pair_names)))
    return TOP + plots * PANEL + (plots - 1) * GAP


def draw(document: Document, paint: Paint, *, background: bool) -> str:
    """The plots as an ``svg`` element.

    Args:
        document: The run.
        paint: Gives the attributes of a colour.
        background: Whether to fill the background.
    """
    plots = plots_of(document)
    place, height = plots[0].place, height_of(document)
    title = plot_title(document.shown.plots_of(len(document.pair_names)), document.shown)
    label = f"{title}: {len(document.tokens)} tokens. The table of tokens has the same numbers."
    strip = alpha_strip(document, place, _height_of_plots(document), paint)
    legend, end = _legend(document, plots, bool(strip), paint)
    width = max(place.right + space_at_right(document), end, LEAST_WIDTH)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
        f'viewBox="0 0 {width:.0f} {height}" role="img" aria-label="{escape(label)}" '
        'font-family="sans-serif" font-size="11">',
    ]
    if background:
        parts.append(f'<rect width="100%" height="100%" {paint("fill", "surface")}/>')
    for plot in plots:
        parts += _drawn(document, plot, paint)
    parts += [*strip, *_numbers(place, height, paint), *legend, "</svg>"]
    return "\n".join(parts) + "\n"


def _drawn(document: Document, plot: Plot, paint: Paint) -> list[str]:
    """The axes, the bars and the lines of a plot."""
    parts = _axis(document, plot, paint)
    for color, path in zip(plot.colors, _bars(plot.bars, plot.place), strict=False):
        parts.append(f'<path {paint("fill", color)} d="{path}"/>')
    parts += [_drawn_line(line, plot.place, paint) for line in plot.lines]
    parts += [_drawn_line(line, plot.right, paint) for line in plot.amounts]
    if plot.amounts:
        parts += _right_axis(document, plot.right, paint)
    if any(line.name == "coverage" for line in plot.lines):
        parts.append(_low_coverage(document, plot.place, paint))
    return parts


def _drawn_line(line: Line, place: Geometry, paint: Paint) -> str:
    points = line_path(line.values.tolist(), place)
    return f'<path fill="none" {paint("stroke", line.color)}{line.dash} d="{points}"/>'


def _axis(document: Document, plot: Plot, paint: Paint) -> list[str]:
    place, measure = plot.place, plot.data.measure
    parts = []
    for tick in _ticks(place, measure):
        name = f"{10**tick:,.0f}" if measure is PlotMeasure.RANK else written_tick(tick)
        parts.append(grid_line(tick, name, place, paint))
    title = axis_title(measure, document.shown)
    parts.append(
        f'<text x="4" y="{place.top - 5:.1f}" {paint("fill", "muted")}>{escape(title)}</text>'
    )
    return parts


def _right_axis(document: Document, place: Geometry, paint: Paint) -> list[str]:
    """The numbers of the axis at the right, from 0 on, and their unit."""
    muted, left = paint("fill", "muted"), f"{place.right + 6:.1f}"
    numbers = [
        f'<text x="{left}" y="{place.y(tick) + 4:.1f}" {muted}>{written_tick(tick)}</text>'
        for tick in _even_ticks(place, 0.0)
    ]
    unit = f'<text x="{left}" y="{place.top - 5:.1f}" {muted}>{document.shown.unit}</text>'
    return [*numbers, unit]


def _ticks(place: Geometry, measure: PlotMeasure) -> list[float]:
    """The values with a line across the plot; ranks are drawn by their logarithms."""
    if measure is PlotMeasure.PROBABILITY:
        return [tick for tick in _SHARES if tick >= place.lowest]
    if measure is PlotMeasure.RANK:
        return [float(tick) for tick in range(math.floor(place.highest) + 1)]
    return _even_ticks(place, place.lowest)


def _even_ticks(place: Geometry, lowest: float) -> list[float]:
    """Round values from ``lowest`` on, with room for their numbers."""
    pixel = (place.highest - place.lowest) / place.height
    least = max((place.highest - lowest) / _MOST_TICKS, _LEAST_TICK * pixel)
    unit = 10.0 ** math.floor(math.log10(least))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= least)
    first, last = math.ceil(lowest / step), math.floor(place.highest / step)
    return [number * step for number in range(first, last + 1)]


def _numbers(place: Geometry, height: int, paint: Paint) -> list[str]:
    """The numbers of tokens below the plots."""
    every = _step(place)
    return [
        f'<text x="{place.x(number - 0.5):.1f}" y="{height - 8}" text-anchor="middle" '
        f"{paint('fill', 'muted')}>{number}</text>"
        for number in range(every, place.count + 1, every)
    ]


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


def _low_coverage(document: Document, place: Geometry, paint: Paint) -> str:
    """Marks at the upper edge where the coverage is low."""
    known = [token.attribution.coverage for token in document.tokens]
    marks = "".join(
        f"M{place.x(i):.1f} {place.top}h{place.column:.1f}v4h{-place.column:.1f}z"
        for i, value in enumerate(known)
        if value is not None and value < LOW_COVERAGE
    )
    return f'<path {paint("fill", "danger")} d="{marks}"/>' if marks else ""


def _legend(
    document: Document, plots: Sequence[Plot], alphas: bool, paint: Paint
) -> tuple[list[str], float]:
    """The legend, and where it ends."""
    parts, left = [], float(LEFT)

    def say(text: str) -> None:
        nonlocal left
        parts.append(f'<text x="{left:.0f}" y="14" {paint("fill", "muted")}>{escape(text)}</text>')
        left += _LETTER * len(text) + 16

    for color, name in _names_of_bars(document, plots, alphas):
        parts.append(f'<rect x="{left:.0f}" y="5" width="9" height="9" {paint("fill", color)}/>')
        left += 14
        say(_shortened(name))
    lines = {line.name: line for plot in plots for line in (*plot.lines, *plot.amounts)}
    for name, line in lines.items():
        parts.append(
            f'<line x1="{left:.0f}" x2="{left + 14:.0f}" y1="10" y2="10" '
            f"{paint('stroke', line.color)}{line.dash}/>"
        )
        left += 19
        say(name)
    hidden = hidden_names(document)
    if hidden:
        say(f"hidden: {', '.join(map(_shortened, hidden))}")
    return parts, left


def _names_of_bars(
    document: Document, plots: Sequence[Plot], alphas: bool
) -> list[tuple[str, str]]:
    """Colours and names of the bars, and of the lines of α, which have the same colours."""
    colors = {color for plot in plots if plot.data.measure.by_pair for color in plot.colors}
    named = [
        (f"pair{pair}", one_line(name))
        for pair, name in enumerate(document.pair_names)
        if alphas or f"pair{pair}" in colors
    ]
    named += [("heat", "KL")] if PlotMeasure.KL in [plot.data.measure for plot in plots] else []
    return [*named, ("muted", WITHOUT_PAIRS)] if alphas and document.skipped else named


def _shortened(name: str) -> str:
    return name if len(name) <= _MOST_NAMES else f"{name[: _MOST_NAMES - 1]}…"
