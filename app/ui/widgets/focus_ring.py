"""Outline around the view that has the keyboard focus."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from app.ui.theme import current_theme

FOCUS_GAP = 4
"""Margin in pixels that a view needs for the outline."""

_OUT = FOCUS_GAP - 1.5


def paint_focus_ring(parent: QWidget, view: QWidget) -> None:
    """Paint an outline around ``view`` if it has the focus; for the paint event of ``parent``."""
    if not view.hasFocus():
        return
    painter = QPainter(parent)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(current_theme().accent), 1))
    area = QRectF(view.geometry()).adjusted(-_OUT, -_OUT, _OUT, _OUT)
    painter.drawRoundedRect(area, 4, 4)
    painter.end()
