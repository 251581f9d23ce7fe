"""Slider of one pair's α."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSlider, QWidget

from app.ui.theme import blend, current_theme

LOWEST, HIGHEST, STEP = -2.0, 4.0, 0.05
_PAGE = 0.5
_HANDLE = 6
_GROOVE = 4
_MARK = 4
_HEIGHT = 26


class AlphaSlider(QSlider):
    """Slider from −2 to 4 in the pair's colour; the groove is filled from 0 to the value."""

    alpha_changed = Signal(float)
    reset_requested = Signal()
    """The slider was double-clicked."""

    def __init__(self, pair: int, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._pair = pair
        self._origin = 1.0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setRange(_ticks(LOWEST), _ticks(HIGHEST))
        self.setSingleStep(1)
        self.setPageStep(_ticks(_PAGE))
        self.setMinimumSize(80, _HEIGHT)
        self.valueChanged.connect(lambda ticks: self.alpha_changed.emit(round(ticks * STEP, 2)))

    def show_alpha(self, alpha: float, origin: float) -> None:
        """Show an α without emitting signals; ``origin`` is marked on the slider."""
        self._origin = origin
        self.blockSignals(True)
        self.setValue(_ticks(alpha))
        self.blockSignals(False)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(120, _HEIGHT)

    # Geometry

    def x_of(self, alpha: float) -> float:
        """Position of ``alpha`` in pixels from the left edge."""
        share = (min(max(alpha, LOWEST), HIGHEST) - LOWEST) / (HIGHEST - LOWEST)
        return self._edge + share * (self.width() - 2 * self._edge)

    def _alpha_at(self, x: float) -> float:
        share = (x - self._edge) / max(self.width() - 2 * self._edge, 1)
        return LOWEST + share * (HIGHEST - LOWEST)

    @property
    def _edge(self) -> int:
        return _HANDLE + 2

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        here, middle = self.x_of(self.value() * STEP), self.height() / 2
        color = theme.pair_color(self._pair)
        zero = self.x_of(0)
        self._draw_groove(painter, QColor(theme.border), self.x_of(LOWEST), self.x_of(HIGHEST))
        self._draw_groove(painter, color, min(zero, here), max(zero, here))
        painter.setBrush(blend(theme.muted, theme.surface, 0.3))
        for alpha in {0.0, self._origin}:
            painter.drawRect(QRectF(round(self.x_of(alpha)) - 0.5, middle + _MARK, 1, _MARK))
        ring = QColor(theme.text) if self.hasFocus() else QColor(theme.surface)
        painter.setPen(QPen(ring, 2))
        painter.setBrush(color)
        radius = _HANDLE + 1
        painter.drawEllipse(QRectF(here - radius, middle - radius, 2 * radius, 2 * radius))
        painter.end()

    def _draw_groove(self, painter: QPainter, color: QColor, left: float, right: float) -> None:
        painter.setBrush(color)
        top = (self.height() - _GROOVE) / 2
        painter.drawRoundedRect(QRectF(left, top, right - left, _GROOVE), 2, 2)

    # Mouse and wheel: the handle moves to the pointer, without Qt's page steps

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 — Qt's name
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self.setSliderDown(True)
        self._follow(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 — Qt's name
        if self.isSliderDown():
            self._follow(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 — Qt's name
        self.setSliderDown(False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 — Qt's name
        self.setSliderDown(False)
        self.reset_requested.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 — Qt's name
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def _follow(self, event: QMouseEvent) -> None:
        self.setValue(_ticks(self._alpha_at(event.position().x())))


def _ticks(alpha: float) -> int:
    return round(alpha / STEP)
