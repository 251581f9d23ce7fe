"""Painter of the ribbons at tokens with a bookmark."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QPlainTextEdit

from app.ui.text.text_lines import visible_lines
from app.ui.text.transcript_text import TextMap
from app.ui.theme import Theme
from app.ui.widgets.bookmark_ribbon import bookmark_ribbon

_SIZE = QSizeF(5, 8)


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
                corner = area.topLeft() + line.origin
                painter.drawPolygon(bookmark_ribbon(QRectF(corner, _SIZE)))
