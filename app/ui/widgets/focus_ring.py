"""The outline of the view that takes the keys."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from app.ui.theme import current_theme

FOCUS_GAP = 4
"""Pixels of margin that a view needs around it for its outline."""

_OUT = FOCUS_GAP - 1.5


def paint_focus_ring(parent: QWidget, view: QWidget) -> None:
    """Outline ``view`` on its ``parent``, from the parent's paint event, while it has the focus."""
    if not view.hasFocus():
        return
    painter = QPainter(parent)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(current_theme().accent), 1))
    area = QRectF(view.geometry()).adjusted(-_OUT, -_OUT, _OUT, _OUT)
    painter.drawRoundedRect(area, 4, 4)
