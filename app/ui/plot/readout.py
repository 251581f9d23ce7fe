"""Readout of the plot: describes the token under the pointer or the selection."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.ui.theme import SMALL


class Readout(QLabel):
    """Label of a fixed number of lines; the tool tip has a text that was shortened."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._full = ""
        self._lines = 2
        self.setProperty("role", "caption")
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * SMALL)
        self.setFont(font)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.set_lines(2)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    @property
    def full_text(self) -> str:
        """The text before it was shortened."""
        return self._full

    def set_lines(self, lines: int) -> None:
        """Set the height in lines; it does not depend on the text."""
        self._lines = lines
        self.setWordWrap(lines > 1)
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing())
        self._fit()

    def show_text(self, text: str) -> None:
        """Show ``text``."""
        if text != self._full:
            self._full = text
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 — Qt's name
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Shorten the text until its lines fit."""
        metrics, width = self.fontMetrics(), self.contentsRect().width()
        room = self._lines * width
        while True:
            text = metrics.elidedText(self._full, Qt.TextElideMode.ElideRight, room)
            area = QRect(0, 0, max(width, 1), 0)
            wrapped = metrics.boundingRect(area, Qt.TextFlag.TextWordWrap, text)
            if self._lines == 1 or room <= width or wrapped.height() <= self.height():
                break
            room -= metrics.averageCharWidth()
        self.setText(text)
        self.setToolTip(self._full if text != self._full else "")
