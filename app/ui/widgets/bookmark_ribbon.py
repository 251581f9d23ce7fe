"""Outline of the ribbon that marks a token with a bookmark."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPolygonF


def bookmark_ribbon(area: QRectF) -> QPolygonF:
    """A ribbon that fills ``area``, with a notch in its lower edge."""
    notch = QPointF(area.center().x(), area.bottom() - area.width() / 2)
    return QPolygonF(
        [area.topLeft(), area.topRight(), area.bottomRight(), notch, area.bottomLeft()]
    )
