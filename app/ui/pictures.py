"""PNG images: of an exported run, drawn without a window, and of what a widget shows."""

from __future__ import annotations

import os

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from app.colors import LIGHT, Colors
from app.history.export.document import Document
from app.history.export.shift_svg import standalone_svg

_SCALE = 2.0
_WIDEST = 16_000


def shift_png(document: Document, colors: Colors = LIGHT) -> bytes:
    """The plot of a run as PNG at twice its size; very long plots are scaled down."""
    _require_application()
    renderer = QSvgRenderer(QByteArray(standalone_svg(document, colors).encode("utf-8")))
    size = renderer.defaultSize()
    scale = min(_SCALE, _WIDEST / size.width())
    image = QImage(size * scale, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(colors.surface)
    painter = QPainter(image)
    renderer.render(painter, QRectF(0, 0, image.width(), image.height()))
    painter.end()
    return png_of(image)


def png_of(image: QImage) -> bytes:
    """An image as PNG."""
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    buffer.close()
    return bytes(content.data())


def _require_application() -> None:
    """Make a Qt application without a screen if there is none, since fonts need one."""
    if QApplication.instance() is None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        QApplication([])  # PySide keeps it until the process ends
