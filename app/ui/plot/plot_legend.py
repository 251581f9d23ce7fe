"""Which colour is which pair, and which line is which probability."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.theme import SMALL, SPACE, current_theme

_MARK = 12
_LONGEST_NAME = 110


class PlotLegend(QWidget):
    """A square with a name for each pair, then the two lines."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: Sequence[str] = ()
        self._lines = ((self.tr("base"), Qt.PenStyle.DashLine), (self.tr("tuned"), None))
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * SMALL)
        self.setFont(font)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Legend of the plot"))

    def show_pairs(self, names: Sequence[str]) -> None:
        """Show these pairs, in the order of their colours."""
        metrics = self.fontMetrics()
        self._names = [
            metrics.elidedText(name, Qt.TextElideMode.ElideRight, _LONGEST_NAME) for name in names
        ]
        self.setToolTip("\n".join(names))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        metrics = self.fontMetrics()
        texts = [*self._names, *(name for name, _ in self._lines)]
        width = sum(metrics.horizontalAdvance(text) + _MARK + 2 * SPACE for text in texts)
        return QSize(width, metrics.height() + 2)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(0, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        theme, metrics = current_theme(), self.fontMetrics()
        painter = QPainter(self)
        left, middle = 0, self.height() // 2

        def write(text: str) -> None:
            nonlocal left
            left += _MARK + SPACE // 2
            width = metrics.horizontalAdvance(text)
            painter.setPen(theme.muted)
            flags = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(left, 0, width + 2, self.height(), flags, text)
            left += width + SPACE + SPACE // 2

        for pair, name in enumerate(self._names):
            painter.fillRect(left + 2, middle - 4, 9, 9, theme.pair_color(pair))
            write(name)
        for name, dash in self._lines:
            color = theme.muted if dash else theme.text
            painter.setPen(QPen(QColor(color), 1.4, dash or Qt.PenStyle.SolidLine))
            painter.drawLine(left, middle, left + _MARK, middle)
            write(name)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
