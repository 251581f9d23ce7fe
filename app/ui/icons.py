"""Icons of the program, drawn in the colour of the text beside them."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.resources import resource

_SIZES = (16, 24, 32, 48)


def icon(name: str, color: str, disabled: str | None = None) -> QIcon:
    """The icon ``name`` drawn in ``color``, and in ``disabled`` where its action is disabled."""
    result = QIcon()
    source = resource("icons", f"{name}.svg").read_text(encoding="utf-8")
    modes = [(QIcon.Mode.Normal, color), (QIcon.Mode.Disabled, disabled or color)]
    for mode, mode_color in modes:
        for size in _SIZES:
            result.addPixmap(_render(source.replace("currentColor", mode_color), size), mode)
    return result


def application_icon() -> QIcon:
    """The icon of the program."""
    source = resource("icons", "tuneshift.svg").read_text(encoding="utf-8")
    result = QIcon()
    for size in (*_SIZES, 64, 128, 256):
        result.addPixmap(_render(source, size))
    return result


def _render(source: str, size: int) -> QPixmap:
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(source.encode())).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return pixmap
