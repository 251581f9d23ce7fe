"""Legend of the tint by the difference of two runs: the scale in bits, and the underline."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.attribution.tint_scale import Tint
from app.ui.state.runs.token_groups import Grouping
from app.ui.text.legend import scale_ends
from app.ui.text.tint import Scale, scale_of
from app.ui.theme import SMALL, SPACE, current_theme
from app.ui.words.unit_words import unit_title

_STEPS = 24
_STEP_WIDTH = 4


class DifferenceLegend(QWidget):
    """The colours from less to more probable in B, followed by what lines below and above mean."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * SMALL)
        self.setFont(font)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._scale = scale_of(Tint(), Grouping.TOKEN, current_theme())
        self._saturates = False
        self.setAccessibleName(self.tr("Legend of the difference"))
        self.show_scale(self._scale, saturates=False)

    def show_scale(self, scale: Scale, *, saturates: bool) -> None:
        """Show a scale, and what a line above means if some tokens are beyond the scale."""
        self._scale, self._saturates = scale, saturates
        self.setAccessibleDescription(", ".join(self.texts()))
        self.updateGeometry()
        self.update()

    def texts(self) -> tuple[str, ...]:
        """The words before the scale, after it, of the line below, and of the one above if any."""
        scale = self._scale
        low, high = scale_ends(scale)
        unit = unit_title(scale.unit)
        return (
            self.tr("less in B  {0}").format(low),
            self.tr("{0} {1}  more in B").format(high, unit),
            self.tr("underlined: other argmax"),
            *((self.tr("line above: beyond the scale"),) if self._saturates else ()),
        )

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        texts = sum(self.fontMetrics().horizontalAdvance(text) for text in self.texts())
        width = texts + _STEPS * _STEP_WIDTH + len(self.texts()) * SPACE
        return QSize(width, self.fontMetrics().height() + 4)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        painter = QPainter(self)
        theme, scale = current_theme(), self._scale
        low, high, underlined, *beyond = self.texts()
        painter.setPen(QColor(theme.muted))
        left = self._write(painter, 0, low) + SPACE // 2
        for step in range(_STEPS):
            value = scale.limit * (2 * step / (_STEPS - 1) - 1)
            area = QRectF(left + step * _STEP_WIDTH, 3, _STEP_WIDTH, self.height() - 6)
            painter.fillRect(area, scale.color(value))
        left = self._write(painter, left + _STEPS * _STEP_WIDTH + SPACE // 2, high) + SPACE
        right = self._write(painter, left, underlined)
        edges = [(left, right, self.height() - 1.5)]
        for text in beyond:
            left = right + SPACE
            right = self._write(painter, left, text)
            edges.append((left, right, 1.5))
        painter.setPen(QPen(QColor(theme.text), 1.2))
        for left, right, height in edges:
            painter.drawLine(QLineF(left, height, right, height))
        painter.end()

    def _write(self, painter: QPainter, left: float, text: str) -> float:
        """Write at a distance from the left edge; returns where the text ends."""
        width = self.fontMetrics().horizontalAdvance(text)
        area = QRectF(left, 0, width + 1, self.height())
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, text)
        return left + width
