"""The numbers and the layout of the plots of a picture, from the measures that are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.attribution.measures import Unit, in_unit
from app.attribution.plot_data import MOST, PlotData
from app.attribution.plot_parts import BASE, COVERAGE, ENTROPY, KL, TUNED, own_plots, pair_part
from app.attribution.row_statistics import Floats
from app.attribution.series import AttributionSeries
from app.history.export.document import Document, one_line
from app.history.export.svg_geometry import GAP, LEFT, PANEL, RIGHT, TOP, Geometry

LEAST_WIDTH = 360
_WIDEST_COLUMN, _NARROWEST_COLUMN = 14.0, 2.0
_WIDTH = 1100
_AXIS = 34
"""Width of an axis at the right."""
_ABOVE, _LEAST_AMOUNT = 1.08, 1.0
"""Upper end of the axis at the right, as a multiple of the highest value, and its minimum."""
_DASHES, _DOTS = ' stroke-dasharray="3 2"', ' stroke-dasharray="5 2 1 2 1 2"'
_DASH_DOT, _DOTTED = ' stroke-dasharray="5 2 1 2"', ' stroke-dasharray="1 2"'


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a plot: its name, its colour, its dashes and its values, [T]."""

    name: str
    color: str
    dash: str
    values: Floats


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot: its numbers, its bars, [T, K], their colours, and its lines.

    Attributes:
        amounts: The lines with an axis at the right.
        right: The layout of these lines.
    """

    data: PlotData
    bars: Floats
    colors: tuple[str, ...]
    lines: tuple[Line, ...]
    place: Geometry
    amounts: tuple[Line, ...]
    right: Geometry


def geometry_of(document: Document) -> Geometry:
    """The layout of the first plot of a run."""
    return plots_of(document)[0].place


def hidden_names(document: Document) -> list[str]:
    """The names of what the window shows at first and a person has hidden."""
    hidden, names = document.shown.hidden, document.pair_names
    measures = document.shown.plots_of(len(names))
    by_pair = any(measure.by_pair for measure in measures)
    parts = [(pair_part(name), one_line(name)) for name in names] if by_pair else []
    if any(measure.has_lines for measure in measures):
        parts += [(BASE, "base")] if names else []
        parts += [(TUNED, _tuned_name(names))]
    parts += [(COVERAGE, "coverage")] if by_pair and document.partial else []
    return [name for part, name in parts if part in hidden]


def _tuned_name(pairs: Sequence[str]) -> str:
    return "tuned" if pairs else "the distribution"


def space_at_right(document: Document) -> int:
    """The space at the right of the plots."""
    return RIGHT + (_AXIS if _amounts_shown(document) else 0)


def _amounts_shown(document: Document) -> list[str]:
    """Keys of the lines with an axis at the right that are shown."""
    pairs, shown = len(document.pair_names), document.shown
    measures = shown.plots_of(pairs)
    hidden = shown.hidden | own_plots(measures)
    offered = (KL, ENTROPY) if pairs else (ENTROPY,)
    by_pair = any(measure.by_pair for measure in measures)
    return [key for key in offered if by_pair and key not in hidden]


def plots_of(document: Document) -> list[Plot]:
    """The plots, from the top."""
    pairs, shown = len(document.pair_names), document.shown
    series = AttributionSeries(pairs)
    series.extend([token.attribution for token in document.tokens])
    count = max(len(document.tokens), 1)
    space = space_at_right(document)
    column = min(max((_WIDTH - LEFT - space) / count, _NARROWEST_COLUMN), _WIDEST_COLUMN)
    right = max(LEFT + count * column, LEAST_WIDTH - space)
    plots = []
    for number, measure in enumerate(shown.plots_of(pairs)):
        data = PlotData(series, measure, shown.unit)
        top = TOP + number * (PANEL + GAP)
        plots.append(_plot(document, data, Geometry(count, column, right, 0, 1, top)))
    return plots


def _plot(document: Document, data: PlotData, place: Geometry) -> Plot:
    names, hidden = document.pair_names, document.shown.hidden
    by_pair = data.measure.by_pair
    pairs = [pair for pair, name in enumerate(names) if pair_part(name) not in hidden]
    bars = np.nan_to_num(data.bars(pairs))
    colors = tuple(f"pair{pair}" for pair in pairs) if by_pair else ("heat",)
    lines = []
    if names and BASE not in hidden:
        lines.append(Line("base", "muted", _DASHES, np.nan_to_num(data.base)))
    if TUNED not in hidden:
        lines.append(Line(_tuned_name(names), "text", "", np.nan_to_num(data.tuned)))
    if by_pair and document.partial and COVERAGE not in hidden:
        lines.append(Line("coverage", "more", _DOTS, np.nan_to_num(data.coverage)))
    lines = [line for line in lines if len(line.values)]
    low, high = data.height(bars, [line.values for line in lines])
    amounts = _amounts(document, data) if by_pair else ()
    highest = max((float(line.values.max(initial=0.0)) for line in amounts), default=0.0) * _ABOVE
    if data.measure.has_unit:  # both axes have the same unit and the same range
        high = max(high, highest)
        right = (low, high)
    else:
        top = max(highest, _LEAST_AMOUNT)
        right = (top * low / high, top)  # puts the 0 of both axes at the same height
    place = replace(place, lowest=low, highest=high)
    at_right = replace(place, lowest=right[0], highest=right[1])
    return Plot(data, bars, colors, tuple(lines), place, amounts, at_right)


def _amounts(document: Document, data: PlotData) -> tuple[Line, ...]:
    """The lines with an axis at the right."""
    lines = {
        KL: Line("KL", "heat", _DASH_DOT, _bounded(data.series.kl, data.unit)),
        ENTROPY: Line("entropy", "less", _DOTTED, _bounded(data.series.entropy, data.unit)),
    }
    return tuple(lines[key] for key in _amounts_shown(document))


def _bounded(nats: Floats, unit: Unit) -> Floats:
    return np.minimum(np.nan_to_num(in_unit(nats, unit)), MOST)
