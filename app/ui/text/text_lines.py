"""Visible lines of a text editor, and the rectangles of text ranges on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QTextLayout, QTextLine
from PySide6.QtWidgets import QPlainTextEdit

_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\u200f\u202b\u202e\u2067\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff"
    "\U0001e800-\U0001efff]"
)


@dataclass(frozen=True, slots=True)
class VisibleLine:
    """A line on the screen. Its coordinates are relative to the origin of its text block.

    Attributes:
        line: Qt's layout of the line.
        origin: Top left corner of the text block in the viewport.
        block: Position in the document where the text block begins.
        turned: Whether the line may contain right-to-left text.
        start: The first position of the document on this line.
        end: The position of the document after the last one on this line.
    """

    line: QTextLine
    origin: QPointF
    block: int
    turned: bool
    start: int
    end: int
    _edges: dict[int, float] = field(default_factory=dict)

    @property
    def baseline(self) -> float:
        return self.line.y() + self.line.ascent()

    def area(self, start: int, end: int) -> QRectF:
        """Rectangle of the text between two positions of this line."""
        places = range(start - self.block, end - self.block)
        if self.turned:  # characters that are adjacent in the text may be apart on the screen
            edges = [self._x(place) for place in places]
            edges += [self._x(place, QTextLine.Edge.Trailing) for place in places]
        else:
            edges = [self._edge(places.start), self._edge(places.stop)]
        left, right = min(edges, default=0.0), max(edges, default=0.0)
        return QRectF(left, self.line.y(), right - left, self.line.height())

    def _edge(self, place: int) -> float:
        """The x of the leading edge; neighbours share it."""
        x = self._edges.get(place)
        if x is None:
            x = self._edges[place] = self._x(place)
        return x

    def _x(self, place: int, edge: QTextLine.Edge = QTextLine.Edge.Leading) -> float:
        x, _ = cast("tuple[float, int]", self.line.cursorToX(place, edge))
        return x


def visible_lines(edit: QPlainTextEdit, top: float, bottom: float) -> Iterator[VisibleLine]:
    """The lines of ``edit`` between two heights of its viewport."""
    block = edit.firstVisibleBlock()
    offset = edit.contentOffset()
    while block.isValid():
        if not block.isVisible():
            block = block.next()
            continue
        area = edit.blockBoundingGeometry(block).translated(offset)
        if area.top() > bottom:
            return
        layout, start = block.layout(), block.position()
        turned = bool(_RIGHT_TO_LEFT.search(block.text()))
        origin = area.topLeft()
        for place in range(_first_line(layout, top - origin.y()), layout.lineCount()):
            line = layout.lineAt(place)
            if origin.y() + line.y() > bottom:
                return
            first = start + line.textStart()
            yield VisibleLine(line, origin, start, turned, first, first + line.textLength())
        block = block.next()


def _first_line(layout: QTextLayout, height: float) -> int:
    """The first line that reaches below ``height``, measured from the top of its block."""
    low, high = 0, layout.lineCount()
    while low < high:
        middle = (low + high) // 2
        line = layout.lineAt(middle)
        if line.y() + line.height() < height:
            low = middle + 1
        else:
            high = middle
    return low
