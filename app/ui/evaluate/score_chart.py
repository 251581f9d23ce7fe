"""The chart of scores: bars with error bars, or curves over α if α was varied."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QFontMetricsF
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.evaluation.results import Result, TaskResults
from app.evaluation.variants import Variant
from app.ui.evaluate.score_figures import measure_title, view_title
from app.ui.theme import Theme, blend, current_theme
from app.ui.widgets.plot_pens import plot_pen
from app.ui.widgets.still_plot import still_plot

_BAR = 0.6
_ENDS = 0.2
"""Total space left and right of the bars, in bar widths."""
_BELOW = 6
"""Pixels above and below the names under the axis."""
_BEAM, _BEAM_OF_ALL = 0.12, 0.03
_POINT = 8
_PALE = 0.5
"""How much of the background the colour of an anti-expert has."""
_MARGIN = 0.18
"""Fraction of the height that stays free below and above the drawing."""

_SIDES = 0.1


class ScoreChart(QWidget):
    """Shows the scores of one task."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._task: TaskResults | None = None
        self._plot = still_plot()
        item = self._plot.getPlotItem()
        item.getViewBox().sigResized.connect(self._name_bars)
        self._bars: tuple[Result, ...] = ()
        self._legend = item.addLegend(offset=(8, 1), colCount=4, horSpacing=24)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        self.setAccessibleName(self.tr("Chart of the scores"))
        self.described = ""
        """Text description of the chart."""
        self._draw()

    def show_task(self, task: TaskResults | None) -> None:
        """Draw the scores of ``task``, or an empty chart for None."""
        self._task = task
        self._draw()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw()

    def _draw(self) -> None:
        theme = current_theme()
        item = self._plot.getPlotItem()
        item.clear()
        self._bars = ()
        item.getAxis("bottom").setHeight(None)
        self._legend.clear()
        self._legend.setLabelTextColor(theme.muted)
        self._plot.setBackground(theme.surface)
        for side in ("left", "bottom"):
            axis = item.getAxis(side)
            axis.setPen(plot_pen(theme.border))
            axis.setTextPen(theme.muted)
            axis.setTicks(None)
            axis.setStyle(tickLength=-4)
        found = self._task.results if self._task else ()
        results = [result for result in found if math.isfinite(result.measure.score)]
        if self._task is None or not results:
            self.described = ""
            return
        item.setLabel("left", measure_title(self._task.measured), color=theme.muted)
        curves = _curves(results)
        if curves:
            self._draw_curves(curves, results, theme)
        else:
            self._draw_bars(results, theme)
        self._fit(results, from_zero=not curves)
        self.described = "; ".join(
            f"{view_title(r.variant)} {r.measure.score:.4f}" for r in results
        )
        self.setAccessibleDescription(self.described)

    def _draw_bars(self, results: Sequence[Result], theme: Theme) -> None:
        item = self._plot.getPlotItem()
        places = list(range(len(results)))
        scores = [result.measure.score for result in results]
        brushes = [role_color(result.variant, theme) for result in results]
        item.addItem(
            pg.BarGraphItem(x=places, height=scores, width=_BAR, brushes=brushes, pen=None)
        )
        self._add_errors(places, results, theme)
        self._bars = tuple(results)
        self._name_bars()
        item.setLabel("bottom", "")
        item.showGrid(x=False, y=False)
        item.setXRange(-0.5 - _ENDS / 2, len(results) - 0.5 + _ENDS / 2)

    def _name_bars(self) -> None:
        """Write each name under its bar, in two lines and shortened if it would overlap another."""
        if not self._bars:
            return
        item = self._plot.getPlotItem()
        metrics = QFontMetricsF(self._plot.font())
        room = item.getViewBox().width() / (len(self._bars) + _ENDS) - metrics.averageCharWidth()
        names = [_fitted(view_title(result.variant), metrics, room) for result in self._bars]
        axis = item.getAxis("bottom")
        axis.setTicks([list(enumerate(names))])
        lines = 1 + max(name.count("\n") for name in names)
        axis.setHeight(math.ceil(lines * metrics.lineSpacing()) + _BELOW)

    def _draw_curves(
        self, curves: dict[str, list[Result]], results: Sequence[Result], theme: Theme
    ) -> None:
        item = self._plot.getPlotItem()
        scales = [result.variant.scale for curve in curves.values() for result in curve]
        low, high = min(scales), max(scales)
        others = [result for result in results if result.variant.kind != "tuned"]
        for place, result in enumerate(others):
            color = role_color(result.variant, theme)
            styles = (Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)
            pen = plot_pen(color, 1.5, styles[place % len(styles)])
            score = result.measure.score
            item.plot([low, high], [score, score], pen=pen, name=view_title(result.variant))
        for place, (name, curve) in enumerate(curves.items()):
            color = theme.pair_color(place) if len(curves) > 1 else QColor(theme.text)
            places = [result.variant.scale for result in curve]
            item.plot(
                places,
                [result.measure.score for result in curve],
                pen=plot_pen(color, 2),
                symbol="o",
                symbolSize=_POINT,
                symbolBrush=color,
                symbolPen=None,
                name=name,
            )
            self._add_errors(places, curve, theme)
        item.setLabel("bottom", self.tr("α ×"), color=theme.muted)
        margin = (high - low) * _SIDES
        item.setXRange(low - margin, high + margin)

    def _add_errors(self, places: Sequence[float], results: Sequence[Result], theme: Theme) -> None:
        errors = [result.measure.stderr or 0.0 for result in results]
        span = max(places) - min(places) if len(places) > 1 else 1.0
        self._plot.getPlotItem().addItem(
            pg.ErrorBarItem(
                x=_array(places),
                y=_array([result.measure.score for result in results]),
                height=_array([2 * error for error in errors]),
                beam=min(_BEAM / max(len(places) - 1, 1), _BEAM_OF_ALL) * span,
                pen=plot_pen(theme.text, 1.2),
            )
        )

    def _fit(self, results: Sequence[Result], *, from_zero: bool) -> None:
        ends = [
            result.measure.score + sign * (result.measure.stderr or 0.0)
            for result in results
            for sign in (-1, 1)
        ]
        low, high = min(ends), max(ends)
        positive = all(result.measure.score >= 0 for result in results)
        if from_zero:
            low, high = (0.0 if positive else min(low, 0.0)), max(high, 0.0)
        room = (high - low or 1.0) * _MARGIN
        lower = low if from_zero and positive else low - room
        above = room if from_zero else 2 * room  # twice the space, for the legend
        self._plot.getPlotItem().setYRange(lower, high + above)


def _curves(results: Sequence[Result]) -> dict[str, list[Result]]:
    """The results of each tuned role and policy with several scales of α, by scale."""
    found: dict[str, list[Result]] = {}
    for result in results:
        variant = result.variant
        if variant.kind == "tuned":
            policy = "" if variant.policy.is_constant else f", {variant.policy.text}"
            found.setdefault(variant.name + policy, []).append(result)
    return {
        name: sorted(curve, key=lambda result: result.variant.scale)
        for name, curve in found.items()
        if len(curve) > 1
    }


def _fitted(name: str, metrics: QFontMetricsF, width: float) -> str:
    if metrics.horizontalAdvance(name) <= width:
        return name
    lines = name.replace(" “", "\n“", 1).splitlines()
    return "\n".join(metrics.elidedText(line, Qt.TextElideMode.ElideRight, width) for line in lines)


def role_color(variant: Variant, theme: Theme) -> QColor:
    """The colour of a role, as in the plot of a run: an expert has that of its pair."""
    kind, role = variant.kind, variant.role_index
    if kind == "checkpoint":
        return QColor(theme.heat)
    if role is None or kind == "tuned":
        return QColor(theme.text)
    if kind == "base":
        return QColor(theme.muted)
    color = theme.pair_color((role - 1) // 2)
    return color if kind == "expert" else blend(color.name(), theme.surface, _PALE)


def _array(values: Sequence[float]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)
