"""The icon for systems that take no SVG: ``icon.py FILE.ico`` or ``icon.py FILE.icns``."""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

_SVG = Path(__file__).resolve().parents[2] / "resources" / "icons" / "tuneshift.svg"
_ICO = (16, 24, 32, 48, 64, 128, 256)
_ICNS = {"icp4": 16, "icp5": 32, "ic07": 128, "ic08": 256, "ic09": 512, "ic10": 1024}


def write_icon(path: Path) -> str:
    """Write ``path``, whose ending says the format; returns it as text."""
    if path.suffix == ".ico":
        content = _ico({size: _png(size) for size in _ICO})
    else:
        content = _icns({name: _png(size) for name, size in _ICNS.items()})
    path.write_bytes(content)
    return str(path)


def _ico(pictures: dict[int, bytes]) -> bytes:
    head, place = struct.pack("<HHH", 0, 1, len(pictures)), 6 + 16 * len(pictures)
    for size, picture in pictures.items():
        side = size % 256  # 0 stands for 256
        head += struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(picture), place)
        place += len(picture)
    return head + b"".join(pictures.values())


def _icns(pictures: dict[str, bytes]) -> bytes:
    parts = [
        name.encode() + struct.pack(">I", 8 + len(png)) + png for name, png in pictures.items()
    ]
    body = b"".join(parts)
    return b"icns" + struct.pack(">I", 8 + len(body)) + body


def _png(size: int) -> bytes:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QBuffer, QByteArray, QRectF
    from PySide6.QtGui import QGuiApplication, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    application = QGuiApplication.instance() or QGuiApplication([])
    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(_SVG.read_bytes())).render(painter, QRectF(0, 0, size, size))
    painter.end()
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    del application
    return content.data()


if __name__ == "__main__":
    write_icon(Path(sys.argv[1]))
