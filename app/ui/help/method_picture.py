"""The method in one picture: what tuning changed in a small model is added to a large one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.theme import SPACE, current_theme

_BASE = (2.0, 1.6, 0.6, 1.4)
_DIFFERENCE = (-1.4, -0.4, 0.2, 1.8)
_WIDTH, _HEIGHT = 560, 176
_SIGN = 34


def probabilities(logits: Sequence[float]) -> tuple[float, ...]:
    """The softmax of ``logits``."""
    terms = [math.exp(value) for value in logits]
    return tuple(term / sum(terms) for term in terms)


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    values: tuple[float, ...]
    highest: float
    color: QColor
    lowest: float = 0.0


class MethodPicture(QWidget):
    """Three small bar charts: base, plus α times the difference of a pair, gives the tuned one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tokens = (
            self.tr("good", "example token"),
            self.tr("fine", "example token"),
            self.tr("odd", "example token"),
            self.tr("royal", "example token"),
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(
            self.tr(
                "Picture: the probabilities of the base, plus α times expert minus anti-expert, "
                "give the tuned probabilities. “{0}” becomes the most probable token."
            ).format(self._tokens[-1])
        )

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(_WIDTH, _HEIGHT)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(_WIDTH * 3 // 4, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = (self.width() - 2 * _SIGN) / 3
        for place, (panel, sign) in enumerate(zip(self._panels(), ("+ α ×", "=", ""), strict=True)):
            left = place * (width + _SIGN)
            self._paint_panel(painter, QRectF(left, 0, width, self.height()), panel)
            painter.setPen(QColor(current_theme().text))
            area = QRectF(left + width, 0, _SIGN, self.height())
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, sign)
        painter.end()

    def _panels(self) -> tuple[_Panel, _Panel, _Panel]:
        theme = current_theme()
        both = [base + change for base, change in zip(_BASE, _DIFFERENCE, strict=True)]
        base, tuned = probabilities(_BASE), probabilities(both)
        highest = max(*base, *tuned)
        limit = max(map(abs, _DIFFERENCE))
        return (
            _Panel(self.tr("base"), base, highest, QColor(theme.muted)),
            _Panel(
                self.tr("expert − anti-expert"), _DIFFERENCE, limit, theme.pair_color(0), -limit
            ),
            _Panel(self.tr("tuned"), tuned, highest, QColor(theme.accent)),
        )

    def _paint_panel(self, painter: QPainter, area: QRectF, panel: _Panel) -> None:
        theme, line = current_theme(), self.fontMetrics().height()
        painter.setPen(QColor(theme.text))
        title = QRectF(area.left(), area.top(), area.width(), line)
        painter.drawText(title, Qt.AlignmentFlag.AlignCenter, panel.title)
        chart = area.adjusted(0, line + SPACE, 0, -line - SPACE)
        zero = chart.bottom() + chart.height() * panel.lowest / (panel.highest - panel.lowest)
        step = chart.width() / len(panel.values)
        for place, value in enumerate(panel.values):
            height = chart.height() * value / (panel.highest - panel.lowest)
            left = chart.left() + (place + 0.2) * step
            painter.fillRect(QRectF(left, zero - height, 0.6 * step, height), panel.color)
            painter.setPen(QColor(theme.muted))
            below = QRectF(chart.left() + place * step, area.bottom() - line, step, line)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self._tokens[place])
        painter.setPen(QPen(QColor(theme.border), 1))
        painter.drawLine(round(chart.left()), round(zero), round(chart.right()), round(zero))
