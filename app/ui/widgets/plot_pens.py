"""Pens of lines in plots, as wide on screens with a high pixel ratio as on others."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPen


def plot_pen(
    color: QColor | str, width: float = 1.0, style: Qt.PenStyle = Qt.PenStyle.SolidLine
) -> QPen:
    """A pen that is ``width`` pixels of the window wide at every zoom.

    Qt draws such a cosmetic pen in pixels of the screen, of which a pixel of the window may have
    several.
    """
    application = QGuiApplication.instance()
    ratio = application.devicePixelRatio() if isinstance(application, QGuiApplication) else 1.0
    pen = QPen(QColor(color), width * ratio, style)
    pen.setCosmetic(True)
    return pen
