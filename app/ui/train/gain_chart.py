"""The chart of a verdict: what the tuned model gains over the base at each α, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.evaluation.paired_interval import Interval
from app.training.judging.verdict import Verdict
from app.ui.theme import current_theme
from app.ui.train.verdict_words import amount_words, measure_words, variant_words
from app.ui.widgets.plot_pens import plot_pen
from app.ui.widgets.still_plot import still_plot

_POINT, _CHOSEN = 8, 13
_SIDES, _MARGIN = 0.15, 0.15
_BEAM = 0.04
_EXPERT_BAND = 40
"""Opacity of the interval of the expert alone, of 255."""


class GainChart(QWidget):
    """Shows the gains of one verdict by the measure that decides."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._verdict: Verdict | None = None
        self._plot = still_plot()
        item = self._plot.getPlotItem()
        self._legend = item.addLegend(offset=(8, 1), colCount=4, horSpacing=24)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        self.setAccessibleName(self.tr("Chart of the gain over the base at each α"))

    def show_verdict(self, verdict: Verdict | None) -> None:
        """Draw a verdict, or an empty chart."""
        if verdict is not self._verdict:
            self._verdict = verdict
            self._draw()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw()

    def _draw(self) -> None:
        theme, item = current_theme(), self._plot.getPlotItem()
        item.clear()
        self._legend.clear()
        self._legend.setLabelTextColor(theme.muted)
        self._plot.setBackground(theme.surface)
        for side in ("left", "bottom"):
            axis = item.getAxis(side)
            axis.setPen(plot_pen(theme.border))
            axis.setTextPen(theme.muted)
            axis.setStyle(tickLength=-4)
        verdict = self._verdict
        if verdict is None:
            self.setAccessibleDescription("")
            return
        unit = self.tr("points") if verdict.deciding.higher_is_better else self.tr("bits per byte")
        gain = self.tr("less probable, {0}") if verdict.negative else self.tr("gain, {0}")
        item.setLabel("left", gain.format(unit), color=theme.muted)
        item.setLabel("bottom", self.tr("α"), color=theme.muted)
        self._draw_gains(verdict)

    def _draw_gains(self, verdict: Verdict) -> None:
        item = self._plot.getPlotItem()
        scale = 100.0 if verdict.deciding.higher_is_better else 1.0
        tuned = {
            scores.alpha: scores.gain
            for scores in verdict.deciding.scores
            if scores.alpha is not None and scores.gain is not None
        }
        alone = [s.gain for s in verdict.deciding.scores if s.variant == "expert" and s.gain]
        if not tuned:  # a verdict of an earlier version
            self.setAccessibleDescription("")
            return
        span = max(tuned) - min(tuned) or 1.0
        ends = [min(tuned) - _SIDES * span, max(tuned) + _SIDES * span]
        pen = plot_pen(current_theme().muted, 1.5, Qt.PenStyle.DashLine)
        item.plot(ends, [0, 0], pen=pen, name=self.tr("base"))
        if alone:
            self._draw_alone(ends, alone[0], scale)
        self._draw_tuned(tuned, verdict.alpha, scale)
        item.getAxis("bottom").setTicks([[(place, f"{place:g}") for place in tuned]])
        item.setXRange(*ends)
        bounds = [
            _bounded(gain, bound) * scale for gain in tuned.values() for bound in _bounds(gain)
        ]
        self._fit([0.0, *bounds, *(gain.value * scale for gain in alone)])
        self._describe(verdict)

    def _draw_tuned(self, tuned: dict[float, Interval], best: float, scale: float) -> None:
        """Draw the gains by α with their intervals, and a larger point at the chosen α."""
        theme, item = current_theme(), self._plot.getPlotItem()
        color, places = QColor(theme.text), list(tuned)
        values = [gain.value * scale for gain in tuned.values()]
        points = {"symbol": "o", "symbolPen": None}
        item.plot(
            places,
            values,
            pen=plot_pen(color, 2),
            symbolSize=_POINT,
            symbolBrush=color,
            name=self.tr("tuned"),
            **points,
        )
        if best in tuned:
            item.plot(
                [best],
                [tuned[best].value * scale],
                pen=None,
                symbolSize=_CHOSEN,
                symbolBrush=QColor(theme.accent),
                name=self.tr("chosen α"),
                **points,
            )
        lows, highs = (
            np.array([_bounded(gain, _bounds(gain)[end]) * scale for gain in tuned.values()])
            for end in (0, 1)
        )
        item.addItem(
            pg.ErrorBarItem(
                x=np.array(places),
                y=np.array(values),
                top=highs - values,
                bottom=values - lows,
                beam=_BEAM * (max(places) - min(places) or 1.0),
                pen=plot_pen(theme.text, 1.2),
            )
        )

    def _draw_alone(self, ends: Sequence[float], gain: Interval, scale: float) -> None:
        item, color = self._plot.getPlotItem(), current_theme().pair_color(0)
        if math.isfinite(gain.low) and math.isfinite(gain.high):
            pale = QColor(color)
            pale.setAlpha(_EXPERT_BAND)
            item.addItem(
                pg.LinearRegionItem(
                    (gain.low * scale, gain.high * scale),
                    orientation="horizontal",
                    brush=pale,
                    pen=pg.mkPen(None),
                    movable=False,
                )
            )
        value = gain.value * scale
        name = self.tr("small model with its adapter")
        pen = plot_pen(color, 1.5, Qt.PenStyle.DotLine)
        item.plot(list(ends), [value, value], pen=pen, name=name)

    def _fit(self, values: Sequence[float]) -> None:
        low, high = min(values), max(values)
        room = (high - low or 1.0) * _MARGIN
        self._plot.getPlotItem().setYRange(low - room, high + 2 * room)  # for the legend

    def _describe(self, verdict: Verdict) -> None:
        measure = verdict.deciding
        said = [
            f"{variant_words(scores)}: {amount_words(scores.gain, measure)}"
            for scores in measure.scores
            if scores.gain is not None
        ]
        self.setAccessibleDescription(f"{measure_words(measure)}. {'; '.join(said)}")


def _bounds(gain: Interval) -> tuple[float, float]:
    return gain.low, gain.high


def _bounded(gain: Interval, bound: float) -> float:
    """An end of an interval; the value itself where it cannot be estimated."""
    return bound if math.isfinite(bound) else gain.value
