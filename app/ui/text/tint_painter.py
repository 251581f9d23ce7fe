"""Paints what lies under and over the words: tints, and the marks of single tokens.

It is painted and not written into the document, so that another tint changes nothing there, and
only what is visible costs anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QPlainTextEdit

from app.ui.state.run import Run
from app.ui.text.text_lines import VisibleLine, visible_lines
from app.ui.text.token_tints import TokenTints
from app.ui.text.transcript_text import TextMap
from app.ui.theme import Theme

_UNDERLINE_GAP = 2.5
_UNDERLINE_WIDTH = 1.4
_DOT_WIDTH = 1.6
_CORNER = 4.0


def paint_tints(
    painter: QPainter, clip: QRectF, edit: QPlainTextEdit, places: TextMap, tints: TokenTints
) -> None:
    """Fill the background of every token within ``clip``."""
    for line in visible_lines(edit, clip.top(), clip.bottom()):
        for start, end, color in _spans(line, places, tints):
            painter.fillRect(line.area(start, end), color)


def _spans(
    line: VisibleLine, places: TextMap, tints: TokenTints
) -> Iterator[tuple[int, int, QColor]]:
    """The parts of a line that have one colour."""
    since, until, color = 0, 0, None
    for token in places.tokens_in(line.start, line.end):
        start, end = places.token_range(token)
        start, end = max(start, line.start), min(end, line.end)
        own = tints.color(token)
        if own == color and start == until:
            until = end
            continue
        if color is not None and since < until:
            yield since, until, color
        since, until, color = start, end, own
    if color is not None and since < until:
        yield since, until, color


def paint_marks(
    painter: QPainter,
    clip: QRectF,
    edit: QPlainTextEdit,
    places: TextMap,
    run: Run,
    others: Collection[int],
    theme: Theme,
) -> None:
    """Mark single tokens within ``clip``.

    Underlined: the pairs changed the first choice. Dotted above: in ``others``, where other weights
    would have chosen otherwise. A corner: given and not drawn, unless the whole text was.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    solid = QPen(QColor(theme.text), _UNDERLINE_WIDTH)
    dotted = QPen(QColor(theme.accent), _DOT_WIDTH, Qt.PenStyle.DotLine)
    for line in visible_lines(edit, clip.top(), clip.bottom()):
        for index in places.tokens_in(line.start, line.end):
            token = run.tokens[index]
            forced = token.forced and not run.scored
            if not (token.attribution.flipped or forced or index in others):
                continue
            start, end = places.token_range(index)
            start, end = max(start, line.start), min(end, line.end)
            if start >= end:
                continue
            spaces = len(token.text) - len(token.text.lstrip(" "))
            area = line.area(start + spaces if start + spaces < end else start, end)
            if token.attribution.flipped:
                _rule(painter, solid, area, line.baseline + _UNDERLINE_GAP)
            if index in others:
                _rule(painter, dotted, area, area.top() + _DOT_WIDTH)
            if forced:
                _corner(painter, area, theme)


def _rule(painter: QPainter, pen: QPen, area: QRectF, height: float) -> None:
    painter.setPen(pen)
    painter.drawLine(QPointF(area.left() + 0.5, height), QPointF(area.right() - 0.5, height))


def _corner(painter: QPainter, area: QRectF, theme: Theme) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.muted))
    top = area.topLeft()
    painter.drawPolygon([top, top + QPointF(_CORNER, 0), top + QPointF(0, _CORNER)])
