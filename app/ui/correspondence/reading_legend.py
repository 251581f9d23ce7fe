"""The legend of an aligned text: how tokens are marked that a pair reads in one way or another."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.correspondence.readings import Reading, reading_word
from app.ui.correspondence.token_boxes import paint_base_box
from app.ui.theme import SPACE, current_theme

_BOX = 26.0


class ReadingLegend(QWidget):
    """A box for each reading that occurs, with its word."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._readings: list[Reading] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Legend"))

    def show_readings(self, readings: set[Reading]) -> None:
        """Show the legend of these readings."""
        self._readings = [reading for reading in Reading if reading in readings]
        self.setAccessibleDescription(", ".join(map(reading_word, self._readings)))
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(200, self.fontMetrics().height() + SPACE)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        theme, metrics = current_theme(), self.fontMetrics()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, height = 1.0, self.height() - 4.0
        for reading in self._readings:
            paint_base_box(painter, QRectF(left, 2, _BOX, height), "", reading, theme)
            word = reading_word(reading)
            width = metrics.horizontalAdvance(word) + SPACE
            painter.setPen(QColor(theme.text))
            place = QRectF(left + _BOX + SPACE / 2, 0, width, self.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, word)
            left = place.right() + 2 * SPACE
        painter.end()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
