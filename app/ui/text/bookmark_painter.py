"""Painter of the ribbons at tokens with a bookmark."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF
from PySide6.QtWidgets import QPlainTextEdit

from app.ui.text.text_lines import visible_lines
from app.ui.text.transcript_text import TextMap
from app.ui.theme import Theme

_WIDTH, _HEIGHT, _NOTCH = 5.0, 8.0, 2.5


def paint_bookmarks(
    painter: QPainter,
    edit: QPlainTextEdit,
    clip: QRectF,
    tokens: Sequence[int],
    places: TextMap,
    theme: Theme,
) -> None:
    """Paint a ribbon at the first character of each token that is visible in ``clip``.

    Args:
        painter: Paints on the viewport of ``edit``.
        edit: Shows the text.
        clip: A part of the viewport.
        tokens: The tokens with a bookmark, ascending.
        places: Where the tokens are in the document.
        theme: The colours.
    """
    if not tokens:
        return
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.accent))
    for line in visible_lines(edit, clip.top(), clip.bottom()):
        shown = places.tokens_in(line.start, line.end)
        for token in tokens[bisect_left(tokens, shown.start) : bisect_left(tokens, shown.stop)]:
            start, end = places.token_range(token)
            if line.start <= start < line.end:
                area = line.area(start, min(end, line.end))
                painter.drawPolygon(_ribbon(area.topLeft() + line.origin))


def _ribbon(corner: QPointF) -> QPolygonF:
    x, y = corner.x(), corner.y()
    return QPolygonF(
        [
            QPointF(x, y),
            QPointF(x + _WIDTH, y),
            QPointF(x + _WIDTH, y + _HEIGHT),
            QPointF(x + _WIDTH / 2, y + _HEIGHT - _NOTCH),
            QPointF(x, y + _HEIGHT),
        ]
    )
