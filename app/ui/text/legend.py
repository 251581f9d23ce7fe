"""What the tints of the transcript mean."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.text.tint import SATURATION, tint
from app.ui.theme import SMALL, SPACE, current_theme

_STEPS = 24
_STEP_WIDTH = 4


class TintLegend(QWidget):
    """A gradient from “less” to “more probable” with its numbers, and the mark for a flip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * SMALL)
        self.setFont(font)
        factor = f"{2.718281828**SATURATION:.0f}"
        self._less = self.tr("less probable")
        self._more = self.tr("more probable")
        self._flip = self.tr("first choice changed")
        self.setToolTip(
            self.tr(
                "The tint is log p(tuned) − log p(base): full at a factor of {0}.\n"
                "Underlined: the experts changed the most probable token."
            ).format(factor)
        )
        self.setAccessibleName(self.tr("Legend of the tints"))
        self.setAccessibleDescription(self.toolTip())
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        metrics = self.fontMetrics()
        texts = (self._less, self._more, self._flip, "−3", "+3", "aa")
        width = sum(map(metrics.horizontalAdvance, texts)) + _STEPS * _STEP_WIDTH + 8 * SPACE
        return QSize(width, metrics.height() + 4)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        theme, metrics = current_theme(), self.fontMetrics()
        painter = QPainter(self)
        left, height = 0, self.height()

        def write(text: str, color: str) -> QRect:
            nonlocal left
            area = QRect(left, 0, metrics.horizontalAdvance(text), height)
            painter.setPen(color)
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, text)
            left += area.width() + SPACE
            return area

        write(self._less, theme.muted)
        write(f"−{SATURATION:g}", theme.muted)
        for step in range(_STEPS):
            shift = SATURATION * (2 * step / (_STEPS - 1) - 1)
            painter.fillRect(left, 3, _STEP_WIDTH, height - 6, tint(shift, theme))
            left += _STEP_WIDTH
        left += SPACE
        write(f"+{SATURATION:g}", theme.muted)
        write(self._more, theme.muted)
        left += SPACE
        sample = write("aa", theme.text)
        painter.fillRect(sample.left(), height - 4, sample.width(), 2, theme.text)
        write(self._flip, theme.muted)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
