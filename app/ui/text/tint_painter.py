"""Paints what lies under and over the words: tints, and the marks of single tokens.

It is painted and not written into the document, so that another tint changes nothing there, and
only what is visible costs anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QPlainTextEdit

from app.ui.state.texts.text_run import Run
from app.ui.text.text_lines import VisibleLine, visible_lines
from app.ui.text.token_tints import TokenTints
from app.ui.text.transcript_text import TextMap
from app.ui.theme import Theme

_UNDERLINE_GAP = 2.5
_UNDERLINE_WIDTH = 1.4
_DOT_WIDTH = 1.6
_CORNER = 4.0
_MOST_LINES = 1000
"""So many lines are remembered; a screen has a tenth of them."""


@dataclass(frozen=True, slots=True)
class LineLook:
    """What is painted on a line beside its words, from where its block begins.

    Attributes:
        end: The position of the document after the line.
        tints: Backgrounds.
        flips: Underlines: the pairs changed the first choice.
        others: Dotted lines above: other weights would have chosen otherwise.
        given: Corners: the token was given and not drawn, unless the whole text was.
    """

    end: int
    tints: Sequence[tuple[QRectF, QColor]]
    flips: Sequence[QLineF]
    others: Sequence[QLineF]
    given: Sequence[QPointF]


class TintPainter:
    """Knows how the lines of one text look, and remembers it while they stay as they are.

    Args:
        edit: What shows the text.
        places: Where its tokens are.
        run: The text.
        tints: What its tokens are coloured by.
    """

    def __init__(self, edit: QPlainTextEdit, places: TextMap, run: Run, tints: TokenTints) -> None:
        self._edit = edit
        self._places = places
        self._run = run
        self._tints = tints
        self._known: dict[int, LineLook] = {}
        self._basis: tuple[object, ...] = ()

    def looks(self, clip: QRectF, others: Collection[int]) -> list[tuple[QPointF, LineLook]]:
        """Where the blocks of the lines within ``clip`` begin, and how the lines look.

        Args:
            clip: A part of the viewport.
            others: Tokens where other weights would have chosen otherwise; another object for
                other tokens.
        """
        self._forget_what_changed(others)
        return [
            (line.origin, self._look(line, others))
            for line in visible_lines(self._edit, clip.top(), clip.bottom())
        ]

    def _forget_what_changed(self, others: Collection[int]) -> None:
        edit, tints = self._edit, self._tints
        layout = edit.viewport().width(), edit.document().defaultFont(), edit.logicalDpiX()
        basis = (tints.scale, tints.grouping, others, *layout)
        if basis != self._basis or len(self._known) > _MOST_LINES:
            self._known.clear()
            self._basis = basis

    def _look(self, line: VisibleLine, others: Collection[int]) -> LineLook:
        start, end = line.start, line.end
        known = self._known.get(start)
        if known is not None and known.end == end:
            return known
        tokens = self._places.tokens_in(start, end)
        flips, dots, given = [], [], []
        for index in tokens:
            token = self._run.tokens[index]
            forced = token.forced and not self._run.scored
            if not (token.attribution.flipped or forced or index in others):
                continue
            area = self._area(line, index)
            if area is None:
                continue
            if token.attribution.flipped:
                flips.append(_rule(area, line.baseline + _UNDERLINE_GAP))
            if index in others:
                dots.append(_rule(area, area.top() + _DOT_WIDTH))
            if forced:
                given.append(area.topLeft())
        tints = [(line.area(*span), color) for *span, color in self._spans(line, tokens)]
        look = LineLook(end, tints, flips, dots, given)
        if tokens.stop <= self._tints.settled:
            self._known[start] = look
        return look

    def _area(self, line: VisibleLine, token: int) -> QRectF | None:
        """Where a token is on a line, without the space before its word."""
        start, end = self._part(line, token)
        if start >= end:
            return None
        text = self._run.tokens[token].text
        spaces = len(text) - len(text.lstrip(" "))
        return line.area(start + spaces if start + spaces < end else start, end)

    def _part(self, line: VisibleLine, token: int) -> tuple[int, int]:
        """From where to where a token is on a line; empty where it is not."""
        start, end = self._places.token_range(token)
        return max(start, line.start), min(end, line.end)

    def _spans(self, line: VisibleLine, tokens: range) -> Iterator[tuple[int, int, QColor]]:
        """The parts of a line that have one colour."""
        since, until, color = 0, 0, None
        for token in tokens:
            start, end = self._part(line, token)
            own = self._tints.color(token)
            if own == color and start == until:
                until = end
                continue
            if color is not None and since < until:
                yield since, until, color
            since, until, color = start, end, own
        if color is not None and since < until:
            yield since, until, color


def paint_tints(painter: QPainter, looks: Sequence[tuple[QPointF, LineLook]]) -> None:
    """Fill the backgrounds."""
    for origin, look in looks:
        for area, color in look.tints:
            painter.fillRect(area.translated(origin), color)


def paint_marks(painter: QPainter, looks: Sequence[tuple[QPointF, LineLook]], theme: Theme) -> None:
    """Mark single tokens."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    solid = QPen(QColor(theme.text), _UNDERLINE_WIDTH)
    dotted = QPen(QColor(theme.accent), _DOT_WIDTH, Qt.PenStyle.DotLine)
    painter.setBrush(QColor(theme.muted))
    for origin, look in looks:
        for pen, lines in ((solid, look.flips), (dotted, look.others)):
            if lines:
                painter.setPen(pen)
                painter.drawLines([line.translated(origin) for line in lines])
        painter.setPen(Qt.PenStyle.NoPen)
        for place in look.given:
            top = place + origin
            painter.drawPolygon([top, top + QPointF(_CORNER, 0), top + QPointF(0, _CORNER)])


def _rule(area: QRectF, height: float) -> QLineF:
    return QLineF(area.left() + 0.5, height, area.right() - 0.5, height)
