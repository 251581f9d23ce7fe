"""Lines of the plot in bits or nats, with an axis at the right."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import Qt

from app.attribution.measures import Unit
from app.attribution.row_statistics import Floats
from app.ui.plot.line_style import ENTROPY_LINE, KL_LINE
from app.ui.plot.titled_axis import RIGHT, TitledAxis
from app.ui.plot.token_line import TokenLine
from app.ui.theme import Theme
from app.ui.widgets.plot_pens import plot_pen
from app.ui.words.unit_words import unit_title

AXIS = 40
"""Width of the axis in pixels."""
LEAST_AMOUNT = 1.0
"""Minimum of the upper end of the axis."""


class _QuietViewBox(pg.ViewBox):  # type: ignore[misc]
    """View that lies over another one and leaves mouse events to it."""

    def __init__(self) -> None:
        super().__init__(enableMouse=False, enableMenu=False)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.disableAutoRange()

    def wheelEvent(self, event: Any, axis: int | None = None) -> None:  # noqa: N802 — Qt's name
        event.ignore()

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:  # noqa: N802
        event.ignore()

    def mouseClickEvent(self, event: Any) -> None:  # noqa: N802 — the library's name
        event.ignore()


class _AmountAxis(TitledAxis):
    """Axis that labels only values from 0 on, since amounts of information are not negative."""

    def tickValues(  # noqa: N802 — the library's name
        self, lowest: float, highest: float, size: float
    ) -> list[tuple[float, list[float]]]:
        """The library's ticks without the negative ones."""
        return [
            (spacing, [value for value in values if value > -spacing / 2])
            for spacing, values in super().tickValues(lowest, highest, size)
        ]


class BitsLines:
    """Lines of KL divergence and entropy, with an axis at the right.

    Args:
        item: The plot to which the lines are added.
    """

    def __init__(self, item: pg.PlotItem) -> None:
        self._item = item
        self._view = _QuietViewBox()
        self._view.setZValue(-50)
        self.kl, self.entropy = TokenLine(), TokenLine()
        self._axis = _AmountAxis(RIGHT)
        item.setAxisItems({"right": self._axis})
        item.showAxis("right", False)
        self._axis.setStyle(tickLength=-4)
        self._axis.setWidth(AXIS)
        self._axis.enableAutoSIPrefix(False)
        item.scene().addItem(self._view)
        self._axis.linkToView(self._view)
        self._view.setXLink(item.getViewBox())
        for line in (self.kl, self.entropy):
            self._view.addItem(line)
        item.getViewBox().sigResized.connect(self._fit_geometry)

    def show(self, *, kl: bool, entropy: bool) -> None:
        """Show or hide each line; the axis is visible while a line is."""
        self.kl.setVisible(kl)
        self.entropy.setVisible(entropy)
        self._item.showAxis("right", kl or entropy)
        self._view.setVisible(kl or entropy)
        self._fit_geometry()

    @property
    def shown(self) -> bool:
        """Whether a line is shown, and with it the axis."""
        return bool(self._view.isVisible())

    def set_theme(self, theme: Theme) -> None:
        """Draw in these colours."""
        self.kl.set_style(KL_LINE, theme)
        self.entropy.set_style(ENTROPY_LINE, theme)
        self._axis.setPen(plot_pen(theme.border))
        self._axis.setTextPen(pg.mkPen(theme.muted))

    def set_unit(self, unit: Unit, theme: Theme) -> None:
        """Name the unit at the axis."""
        self._axis.setLabel(unit_title(unit), color=theme.muted)

    def set_values(self, kl: Floats, entropy: Floats) -> None:
        """Draw these values, [T] each."""
        self.kl.set_values(kl)
        self.entropy.set_values(entropy)

    def highest(self, first: int, last: int) -> float:
        """Highest value of the visible lines over the tokens from ``first`` to ``last``."""
        shown = [line for line in (self.kl, self.entropy) if line.isVisible()]
        parts = [line.values[first:last] for line in shown]
        return max((float(part.max(initial=0.0)) for part in parts), default=0.0)

    def fit(self, low: float, high: float) -> None:
        """Set the range of the axis; it must include 0."""
        self._view.setYRange(low, high, padding=0)

    def _fit_geometry(self) -> None:
        self._view.setGeometry(self._item.getViewBox().sceneBoundingRect())
