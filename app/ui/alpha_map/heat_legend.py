"""Legend of the map of α: the colours from the lowest to the highest value, with their numbers."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.alpha_map.grid_values import GridMeasure
from app.ui.alpha_map.heat_colors import shades, unknown_color
from app.ui.theme import SPACE, current_theme

_BAR = 120
"""Width of the colours in pixels."""


class HeatLegend(QWidget):
    """A bar of the colours between the lowest and the highest value; a box for unknown values."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._measure = GridMeasure.PROBABILITY
        self._low = self._high = ""
        self._unknown = ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_range(self, measure: GridMeasure, low: str, high: str, unknown: str) -> None:
        """Show the colours of a measure.

        Args:
            measure: The measure.
            low: What stands at the weakest colour; ``high`` at the strongest.
            unknown: What stands beside the colour of unknown values; empty if all are known.
        """
        shown = (measure, low, high, unknown)
        if shown == (self._measure, self._low, self._high, self._unknown):
            return
        self._measure, self._low, self._high, self._unknown = shown
        self.setAccessibleName(self.tr("Colours from {0} to {1}").format(low, high))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        metrics = self.fontMetrics()
        width = sum(map(metrics.horizontalAdvance, (self._low, self._high))) + _BAR + 2 * SPACE
        if self._unknown:
            box = metrics.height()
            width += metrics.horizontalAdvance(self._unknown) + box + 3 * SPACE
        return QSize(width, metrics.height() + 4)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        theme, metrics = current_theme(), self.fontMetrics()
        painter = QPainter(self)
        at = self._write(painter, 0, self._low) + SPACE
        box = QRect(at, 2, _BAR, metrics.height())
        colors = shades(self._measure, theme)
        row = colors[np.arange(_BAR) * (len(colors) - 1) // (_BAR - 1)]
        image = QImage(row.data, _BAR, 1, 4 * _BAR, QImage.Format.Format_RGB32)
        painter.drawImage(box, image)
        frame = QPen(QColor(theme.border))
        painter.setPen(frame)
        painter.drawRect(box)
        at = self._write(painter, box.right() + SPACE, self._high)
        if self._unknown:
            box = QRect(at + 2 * SPACE, 2, metrics.height(), metrics.height())
            painter.fillRect(box, unknown_color(theme))
            self._write(painter, box.right() + SPACE, self._unknown)
        painter.end()

    def _write(self, painter: QPainter, left: int, text: str) -> int:
        """Write a text, and return where it ends."""
        painter.setPen(QColor(current_theme().muted))
        width = self.fontMetrics().horizontalAdvance(text)
        place = QRect(left, 0, width + 1, self.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, text)
        return left + width

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
