"""The plot of a training: the loss of each step, and the held-out loss."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.state.training.training_record import TrainingRecord
from app.ui.theme import current_theme
from app.ui.widgets.plot_pens import plot_pen
from app.ui.widgets.still_plot import still_plot

_POINT, _BEST = 7, 14
_MARGIN = 0.08
"""Fraction of the height that stays free below and above the curves."""


class LossPlot(QWidget):
    """Shows the losses of one training while they come."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plot = still_plot()
        item = self._plot.getPlotItem()
        self._legend = item.addLegend(offset=(-8, 1), colCount=3, horSpacing=24)
        self._steps = item.plot(name=self.tr("training"))
        self._held_out = item.plot(
            name=self.tr("held out"), symbol="o", symbolSize=_POINT, symbolPen=None
        )
        self._best = item.plot(
            name=self.tr("best so far"), pen=None, symbol="star", symbolSize=_BEST, symbolPen=None
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        self.setAccessibleName(self.tr("Plot of the losses"))
        self._set_colors()

    def show_record(self, record: TrainingRecord | None) -> None:
        """Draw the losses of a training so far."""
        losses = record.losses if record else {}
        held_out = {step: found.loss for step, found in record.held_out.items()} if record else {}
        best = record.best if record else None
        self._steps.setData(*_curve(losses))
        self._held_out.setData(*_curve(held_out))
        self._best.setData(*_curve({best.step: best.loss} if best else {}))
        self._fit(record, [*losses.values(), *held_out.values()])
        self._describe(losses, held_out)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._set_colors()

    def _set_colors(self) -> None:
        theme = current_theme()
        item = self._plot.getPlotItem()
        self._plot.setBackground(theme.surface)
        self._legend.setLabelTextColor(theme.muted)
        titles = {"left": self.tr("loss in nats per token"), "bottom": self.tr("step")}
        for side, title in titles.items():
            axis = item.getAxis(side)
            axis.setPen(plot_pen(theme.border))
            axis.setTextPen(theme.muted)
            axis.setStyle(tickLength=-4)
            item.setLabel(side, title, color=theme.muted)
        self._steps.setPen(plot_pen(theme.muted, 1.2))
        color = theme.pair_color(0)
        self._held_out.setPen(plot_pen(color, 2))
        self._held_out.setSymbolBrush(color)
        self._best.setSymbolBrush(QColor(theme.accent))

    def _fit(self, record: TrainingRecord | None, values: list[float]) -> None:
        item = self._plot.getPlotItem()
        item.setXRange(0, max(record.steps if record else 0, 1))
        finite = [value for value in values if np.isfinite(value)]
        item.getAxis("left").setStyle(showValues=bool(finite))  # nothing is known of them yet
        low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
        room = (high - low or 1.0) * _MARGIN
        item.setYRange(low - room, high + 2 * room)  # twice the space, for the legend

    def _describe(self, losses: dict[int, float], held_out: dict[int, float]) -> None:
        if not held_out:
            self.setAccessibleDescription("")
            return
        last = max(held_out)
        self.setAccessibleDescription(
            self.tr("{0} steps; held-out loss {1} at first, {2} after step {3}").format(
                len(losses), f"{held_out[min(held_out)]:.3f}", f"{held_out[last]:.3f}", last
            )
        )


def _curve(values: dict[int, float]) -> tuple[list[int], list[float]]:
    places = sorted(values)
    return places, [values[place] for place in places]
