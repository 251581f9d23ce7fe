"""The lines of the plot: how each looks, and the panel of those that are in bits at the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from app.attribution.row_statistics import Floats
from app.ui.theme import Theme

LEAST_BITS = 1.0
"""The axis of bits reaches so far at least."""


@dataclass(frozen=True, slots=True)
class LineLook:
    """A line that is told from the others by its dashes as well as by its colour."""

    color: str
    """The name of a colour of the theme."""
    style: Qt.PenStyle

    def pen(self, theme: Theme) -> QPen:
        """A pen that is one pixel wide at every zoom."""
        pen = QPen(QColor(getattr(theme, self.color)), 1, self.style)
        pen.setCosmetic(True)
        return pen


BASE_LINE = LineLook("muted", Qt.PenStyle.DashLine)
TUNED_LINE = LineLook("text", Qt.PenStyle.SolidLine)
KL_LINE = LineLook("heat", Qt.PenStyle.DashDotLine)
ENTROPY_LINE = LineLook("less", Qt.PenStyle.DotLine)
COVERAGE_LINE = LineLook("more", Qt.PenStyle.DashDotDotLine)


def make_line() -> pg.PlotDataItem:
    """A line of which only the visible part is drawn, so that panning a long run stays smooth."""
    line = pg.PlotDataItem(connect="all")
    line.setClipToView(True)
    line.setDownsampling(auto=True, method="peak")
    return line


class _QuietViewBox(pg.ViewBox):  # type: ignore[misc]
    """Lies over another one, and leaves the pointer to it."""

    def __init__(self) -> None:
        super().__init__(enableMouse=False, enableMenu=False)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def wheelEvent(self, event: Any, axis: int | None = None) -> None:  # noqa: N802 — Qt's name
        event.ignore()

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:  # noqa: N802
        event.ignore()

    def mouseClickEvent(self, event: Any) -> None:  # noqa: N802 — the library's name
        event.ignore()


class _AmountAxis(pg.AxisItem):  # type: ignore[misc]
    """Labels what is 0 or more: no amount of bits is less."""

    def tickValues(  # noqa: N802 — the library's name
        self, lowest: float, highest: float, size: float
    ) -> list[tuple[float, list[float]]]:
        """Those of the library from 0 on."""
        return [
            (spacing, [value for value in values if value > -spacing / 2])
            for spacing, values in super().tickValues(lowest, highest, size)
        ]


class BitsLines:
    """KL and entropy, with their own axis at the right, over the same tokens.

    Args:
        item: The plot that they are added to.
    """

    def __init__(self, item: pg.PlotItem) -> None:
        self._item = item
        self._view = _QuietViewBox()
        self._view.setZValue(-50)
        self.kl, self.entropy = make_line(), make_line()
        self._axis = _AmountAxis("right")
        item.setAxisItems({"right": self._axis})
        item.showAxis("right", False)
        self._axis.setStyle(tickLength=-4)
        self._axis.setWidth(32)
        item.scene().addItem(self._view)
        self._axis.linkToView(self._view)
        self._view.setXLink(item.getViewBox())
        for line in (self.kl, self.entropy):
            self._view.addItem(line)
        item.getViewBox().sigResized.connect(self._take_place)

    def show(self, *, kl: bool, entropy: bool) -> None:
        """Show one of them, both, or none; the axis is there where a line is."""
        self.kl.setVisible(kl)
        self.entropy.setVisible(entropy)
        self._item.showAxis("right", kl or entropy)
        self._view.setVisible(kl or entropy)
        self._take_place()

    def set_theme(self, theme: Theme) -> None:
        """Draw in these colours."""
        self.kl.setPen(KL_LINE.pen(theme))
        self.entropy.setPen(ENTROPY_LINE.pen(theme))
        self._axis.setPen(pg.mkPen(theme.border))
        self._axis.setTextPen(pg.mkPen(theme.muted))

    def set_values(self, kl: Floats, entropy: Floats) -> None:
        """Draw these numbers, in bits, [T] each."""
        places = np.arange(len(kl))
        self.kl.setData(places, kl)
        self.entropy.setData(places, entropy)

    def highest(self, first: int, last: int) -> float:
        """The highest value that is shown of the tokens from ``first`` to ``last``."""
        shown = [line for line in (self.kl, self.entropy) if line.isVisible()]
        parts = [line.yData[first:last] for line in shown if line.yData is not None]
        return max((float(part.max(initial=0.0)) for part in parts), default=0.0)

    def fit(self, low: float, high: float) -> None:
        """Show this range, in bits; 0 is inside."""
        self._view.setYRange(low, high, padding=0)

    def _take_place(self) -> None:
        self._view.setGeometry(self._item.getViewBox().sceneBoundingRect())
