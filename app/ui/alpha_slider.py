"""The slider of one pair's weight, in the pair's colour."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSlider, QWidget

from app.ui.theme import current_theme

LOWEST, HIGHEST, STEP = -2.0, 4.0, 0.05
_HANDLE = 7
_GROOVE = 4


class AlphaSlider(QSlider):
    """Runs from −2 to 4; the groove is filled from 0 to the value."""

    alpha_changed = Signal(float)
    reset_requested = Signal()
    """The slider was double-clicked."""

    def __init__(self, pair: int, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._pair = pair
        self._origin = 1.0
        self.setRange(_ticks(LOWEST), _ticks(HIGHEST))
        self.setSingleStep(1)
        self.setPageStep(_ticks(0.5))
        self.setMinimumHeight(2 * _HANDLE + 6)
        self.valueChanged.connect(lambda ticks: self.alpha_changed.emit(round(ticks * STEP, 2)))

    def show_alpha(self, alpha: float, origin: float) -> None:
        """Show a weight without announcing it; ``origin`` is what double-click resets to."""
        self._origin = origin
        self.blockSignals(True)
        self.setValue(_ticks(alpha))
        self.blockSignals(False)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(120, 2 * _HANDLE + 6)

    def _x_of(self, alpha: float) -> float:
        share = (alpha - LOWEST) / (HIGHEST - LOWEST)
        return _HANDLE + 1 + share * (self.width() - 2 * (_HANDLE + 1))

    def _alpha_at(self, x: float) -> float:
        share = (x - _HANDLE - 1) / max(self.width() - 2 * (_HANDLE + 1), 1)
        return LOWEST + share * (HIGHEST - LOWEST)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        theme = current_theme()
        color = theme.pair_color(self._pair)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle = self.height() / 2
        left, right = self._x_of(LOWEST), self._x_of(HIGHEST)
        painter.setBrush(theme.border)
        painter.drawRoundedRect(QRectF(left, middle - 2, right - left, _GROOVE), 2, 2)
        zero, here = self._x_of(0), self._x_of(self.value() * STEP)
        painter.setBrush(color)
        painter.drawRect(QRectF(min(zero, here), middle - 2, abs(here - zero), _GROOVE))
        painter.setBrush(theme.muted)
        for alpha in {0.0, self._origin}:
            if LOWEST <= alpha <= HIGHEST:
                painter.drawRect(QRectF(self._x_of(alpha) - 0.5, middle + 4, 1, 4))
        painter.setBrush(color)
        painter.setPen(theme.surface)
        painter.drawEllipse(QRectF(here - _HANDLE, middle - _HANDLE, 2 * _HANDLE, 2 * _HANDLE))
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(theme.text)
            radius = _HANDLE + 1
            painter.drawEllipse(QRectF(here - radius, middle - radius, 2 * radius, 2 * radius))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() == Qt.MouseButton.LeftButton:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            self.setSliderDown(True)
            self.setValue(_ticks(self._alpha_at(event.position().x())))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self.isSliderDown():
            self.setValue(_ticks(self._alpha_at(event.position().x())))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self.setSliderDown(False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self.setSliderDown(False)
        self.reset_requested.emit()


def _ticks(alpha: float) -> int:
    return round(alpha / STEP)
