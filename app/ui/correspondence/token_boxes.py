"""Places of the tokens of an aligned text in lines, and how one of them is painted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from app.checkpoints.vocabulary.label_bytes import bytes_label
from app.decoding.bridge.correspondence import AlignedText, PlacedToken
from app.ui.correspondence.readings import Reading, reading_word
from app.ui.theme import SPACE, Theme, blend
from app.wording import visible

PADDING = 4.0
_GAP = 3.0
_BLOCK_GAP = 7.0
_RADIUS = 4.0


@dataclass(frozen=True, slots=True)
class TokenBox:
    """A token at its place.

    Attributes:
        index: Of a token of the base, its index in the text; −1 for a token of the pair.
        text: Its label.
        word: The word above it; empty for what is exact and for tokens of the pair.
        place: Where it is painted.
        line: The line that it is in.
    """

    index: int
    text: str
    word: str
    place: QRectF
    line: int


@dataclass(frozen=True, slots=True)
class Layout:
    """All boxes of a text.

    Attributes:
        base: The tokens of the base.
        pair: The tokens of the pair.
        blocks: The span of each block, between its two rows.
        width: The width of the widest line.
        height: The height of all lines.
    """

    base: tuple[TokenBox, ...]
    pair: tuple[TokenBox, ...]
    blocks: tuple[QRectF, ...]
    width: float
    height: float


class Measures:
    """Heights and widths of boxes in a font, with the smaller font of the words above them."""

    def __init__(self, font: QFontMetricsF, small: QFontMetricsF) -> None:
        self._font = font
        self._small = small
        self.box = font.height() + 2
        self.word = small.height()
        self.between = 8.0
        self.line = self.word + 2 * self.box + self.between + 2 * SPACE

    def width(self, text: str, word: str) -> float:
        """The width of a box with a word above it."""
        return max(
            self._font.horizontalAdvance(text) + 2 * PADDING,
            self._small.horizontalAdvance(word) + 2 if word else 2 * PADDING,
        )


def lay_out(
    text: AlignedText,
    readings: Sequence[Reading],
    label: Callable[[PlacedToken], str],
    measures: Measures,
    width: float,
) -> Layout:
    """Place the blocks of a text in lines of ``width``; a block that is wider has a line alone.

    Args:
        text: The text.
        readings: How its tokens are read.
        label: The label of a token of the base.
        measures: The sizes of boxes.
        width: The width to fill.
    """
    base: list[TokenBox] = []
    pair: list[TokenBox] = []
    spans: list[QRectF] = []
    x, line, widest = 0.0, 0, 0.0
    for block in text.blocks:
        first = len(base)
        texts = [label(token) for token in block.base]
        words = [_word(readings[first + place]) for place in range(len(block.base))]
        own = [visible(bytes_label(token.spelled)) for token in block.pair]
        above = [measures.width(*each) for each in zip(texts, words, strict=True)]
        below = [measures.width(each, "") for each in own]
        room = max(_total(above), _total(below))
        if x > 0 and x + room > width:
            x, line = 0.0, line + 1
        top = line * measures.line + measures.word
        for place, (left, each) in enumerate(_spread(above, room)):
            box = QRectF(x + left, top, each, measures.box)
            base.append(TokenBox(first + place, texts[place], words[place], box, line))
        bottom = top + measures.box + measures.between
        for place, (left, each) in enumerate(_spread(below, room)):
            box = QRectF(x + left, bottom, each, measures.box)
            pair.append(TokenBox(-1, own[place], "", box, line))
        if own:
            spans.append(QRectF(x, top + measures.box, room, measures.between))
        widest = max(widest, x + room)
        x += room + _BLOCK_GAP
    height = (line + 1) * measures.line if base else 0.0
    return Layout(tuple(base), tuple(pair), tuple(spans), widest, height)


def _word(reading: Reading) -> str:
    return "" if reading is Reading.EXACT else reading_word(reading)


def _total(widths: Sequence[float]) -> float:
    return sum(widths) + _GAP * max(len(widths) - 1, 0)


def _spread(widths: Sequence[float], room: float) -> list[tuple[float, float]]:
    """The left edge and the width of each box, so that together they fill ``room``."""
    more = (room - _total(widths)) / max(len(widths), 1)
    found, left = [], 0.0
    for width in widths:
        found.append((left, width + more))
        left += width + more + _GAP
    return found


def paint_base_box(
    painter: QPainter, place: QRectF, text: str, reading: Reading, theme: Theme
) -> None:
    """Paint a token of the base: its reading is in the colour and in the style of the outline."""
    color, style = {
        Reading.EXACT: (theme.more, Qt.PenStyle.SolidLine),
        Reading.ALL_PIECES: (theme.more, Qt.PenStyle.DashLine),
        Reading.PIECES: (theme.pairs[1], Qt.PenStyle.DashLine),
        Reading.FIRST_PIECE: (theme.pairs[1], Qt.PenStyle.DashLine),
        Reading.NONE: (theme.muted, Qt.PenStyle.DotLine),
    }[reading]
    painter.setBrush(blend(color, theme.surface, 1.0 - 0.6 * theme.tint_strength))
    painter.setPen(QPen(QColor(color), 1.0, style))
    painter.drawRoundedRect(place, _RADIUS, _RADIUS)
    _paint_text(painter, place, text, theme)


def paint_pair_box(painter: QPainter, place: QRectF, text: str, theme: Theme) -> None:
    """Paint a token of the pair."""
    painter.setBrush(QColor(theme.surface))
    painter.setPen(QPen(QColor(theme.border), 1.0))
    painter.drawRoundedRect(place, _RADIUS, _RADIUS)
    _paint_text(painter, place, text, theme)


def _paint_text(painter: QPainter, place: QRectF, text: str, theme: Theme) -> None:
    painter.setPen(QColor(theme.text))
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine, text)
