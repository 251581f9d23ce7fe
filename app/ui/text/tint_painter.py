"""Painter of the tints below the text and of the marks of single tokens above it.

Tints are painted instead of being formats of the document, so that a change of tint does not
change the document, and only visible lines cost time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QPlainTextEdit

from app.ui.state.runs.run import Run
from app.ui.text.text_lines import VisibleLine, visible_lines
from app.ui.text.token_tints import TokenTints
from app.ui.text.transcript_text import TextMap
from app.ui.theme import Theme

_UNDERLINE_GAP = 2.5
_UNDERLINE_WIDTH = 1.4
_DOT_WIDTH = 1.6
_CORNER = 4.0
_BAR_WIDTH = 2.5
"""Height of the bar above a token whose number is beyond the scale."""
_MOST_LINES = 1000
"""Size of the cache of lines; a screen has about a tenth of them."""


@dataclass(frozen=True, slots=True)
class LineDecorations:
    """Decorations of one line, in coordinates relative to the origin of its text block.

    Attributes:
        end: The position of the document after the line.
        tints: Backgrounds.
        flips: Underlines of flips.
        others: Dotted lines above tokens that differ at the alphas of the what-if bar.
        given: Corner marks of tokens that were given, not sampled; none in a scored run.
        saturated: Bars above tokens whose number is beyond the scale, each with its colour.
    """

    end: int
    tints: Sequence[tuple[QRectF, QColor]]
    flips: Sequence[QLineF]
    others: Sequence[QLineF]
    given: Sequence[QPointF]
    saturated: Sequence[tuple[QLineF, QColor]]


class TintPainter:
    """Computes the decorations of the lines of one run, and caches them while they are valid.

    Args:
        edit: The editor that shows the run.
        places: Positions of the tokens in the document.
        run: The run.
        tints: Colours of the tokens.
    """

    def __init__(self, edit: QPlainTextEdit, places: TextMap, run: Run, tints: TokenTints) -> None:
        self._edit = edit
        self._places = places
        self._run = run
        self._tints = tints
        self._cache: dict[int, LineDecorations] = {}
        self._basis: tuple[object, ...] = ()

    def decorations(
        self, clip: QRectF, others: Collection[int]
    ) -> list[tuple[QPointF, LineDecorations]]:
        """Decorations of the lines within ``clip``, each with the origin of its text block.

        Args:
            clip: A part of the viewport.
            others: Tokens that differ at the alphas of the what-if bar. Must be a new object when
                the tokens change: the cache compares it by identity.
        """
        self._drop_outdated(others)
        return [
            (line.origin, self._decorate(line, others))
            for line in visible_lines(self._edit, clip.top(), clip.bottom())
        ]

    def _drop_outdated(self, others: Collection[int]) -> None:
        edit, tints = self._edit, self._tints
        layout = edit.viewport().width(), edit.document().defaultFont(), edit.logicalDpiX()
        basis = (tints.scale, tints.grouping, others, *layout)
        if basis != self._basis or len(self._cache) > _MOST_LINES:
            self._cache.clear()
            self._basis = basis

    def _decorate(self, line: VisibleLine, others: Collection[int]) -> LineDecorations:
        start, end = line.start, line.end
        cached = self._cache.get(start)
        if cached is not None and cached.end == end:
            return cached
        tokens = self._places.tokens_in(start, end)
        flips, dots, given, saturated = [], [], [], []
        for index in tokens:
            token = self._run.tokens[index]
            forced = token.forced and not self._run.scored
            beyond = self._tints.saturates(index)
            if not (token.attribution.flipped or forced or beyond or index in others):
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
            if beyond:
                color = self._tints.scale.full_color(self._tints.value(index))
                saturated.append((_rule(area, area.top() + _BAR_WIDTH / 2), color))
        tints = [(line.area(*span), color) for *span, color in self._spans(line, tokens)]
        decorated = LineDecorations(end, tints, flips, dots, given, saturated)
        if tokens.stop <= self._tints.settled:
            self._cache[start] = decorated
        return decorated

    def _area(self, line: VisibleLine, token: int) -> QRectF | None:
        """Rectangle of a token on a line, without the leading spaces of the token."""
        start, end = self._part(line, token)
        if start >= end:
            return None
        text = self._run.tokens[token].text
        spaces = len(text) - len(text.lstrip(" "))
        return line.area(start + spaces if start + spaces < end else start, end)

    def _part(self, line: VisibleLine, token: int) -> tuple[int, int]:
        """Start and end of a token within a line; empty where the token is not on the line."""
        start, end = self._places.token_range(token)
        return max(start, line.start), min(end, line.end)

    def _spans(self, line: VisibleLine, tokens: range) -> Iterator[tuple[int, int, QColor]]:
        """The parts of a line with the same colour, each with that colour."""
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


def paint_tints(painter: QPainter, decorations: Sequence[tuple[QPointF, LineDecorations]]) -> None:
    """Paint the backgrounds."""
    for origin, line in decorations:
        for area, color in line.tints:
            painter.fillRect(area.translated(origin), color)


def paint_marks(
    painter: QPainter, decorations: Sequence[tuple[QPointF, LineDecorations]], theme: Theme
) -> None:
    """Paint the marks of single tokens."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    solid = QPen(QColor(theme.text), _UNDERLINE_WIDTH)
    dotted = QPen(QColor(theme.accent), _DOT_WIDTH, Qt.PenStyle.DotLine)
    painter.setBrush(QColor(theme.muted))
    for origin, line in decorations:
        for bar, color in line.saturated:
            painter.setPen(QPen(color, _BAR_WIDTH))
            painter.drawLine(bar.translated(origin))
        for pen, lines in ((solid, line.flips), (dotted, line.others)):
            if lines:
                painter.setPen(pen)
                painter.drawLines([mark.translated(origin) for mark in lines])
        painter.setPen(Qt.PenStyle.NoPen)
        for place in line.given:
            top = place + origin
            painter.drawPolygon([top, top + QPointF(_CORNER, 0), top + QPointF(0, _CORNER)])


def _rule(area: QRectF, height: float) -> QLineF:
    return QLineF(area.left() + 0.5, height, area.right() - 0.5, height)
