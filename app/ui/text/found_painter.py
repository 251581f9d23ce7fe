"""Painter of the frames around what a search found in a text."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import itemgetter

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QPlainTextEdit

from app.ui.text.text_lines import VisibleLine, visible_lines
from app.ui.theme import Theme

_WIDTH = 1.3
_ROUND = 2.5
_FILL = 0.16
"""Opacity of the inside of a frame."""


def paint_found(
    painter: QPainter,
    edit: QPlainTextEdit,
    clip: QRectF,
    spans: Sequence[tuple[int, int]],
    theme: Theme,
) -> None:
    """Frame the parts of ``spans`` that are visible in ``clip``.

    Args:
        painter: Paints on the viewport of ``edit``.
        edit: Shows the text.
        clip: A part of the viewport.
        spans: Ranges of positions in the document, ascending and apart.
        theme: The colours.
    """
    if not spans:
        return
    fill = QColor(theme.accent)
    fill.setAlphaF(_FILL)
    painter.setPen(QPen(QColor(theme.accent), _WIDTH))
    painter.setBrush(fill)
    for line in visible_lines(edit, clip.top(), clip.bottom()):
        for area in found_areas(line, spans):
            painter.drawRoundedRect(area.translated(line.origin), _ROUND, _ROUND)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def found_areas(line: VisibleLine, spans: Sequence[tuple[int, int]]) -> list[QRectF]:
    """The rectangles of the parts of ``spans`` on a line, relative to its text block."""
    first = bisect_right(spans, line.start, key=itemgetter(1))
    last = bisect_left(spans, line.end, key=itemgetter(0))
    parts = [(max(a, line.start), min(b, line.end)) for a, b in spans[first:last]]
    inset = _WIDTH / 2
    return [
        line.area(start, end).adjusted(inset, inset, -inset, -inset)
        for start, end in parts
        if start < end
    ]
