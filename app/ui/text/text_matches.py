"""Matches of a search in the texts of the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QScrollArea, QTextEdit, QWidget

from app.ui.theme import SPACE
from app.ui.utf16 import utf16_length

Searched = QPlainTextEdit | QTextEdit | QLabel


@dataclass(frozen=True, slots=True)
class SearchedText:
    """A text to search.

    Attributes:
        widget: The widget that shows it.
        choose: Makes it the text that selections belong to.
    """

    widget: Searched
    choose: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Match:
    """A match, with its positions in UTF-16 code units."""

    text: SearchedText
    start: int
    end: int

    def show(self) -> None:
        """Select the match and scroll to it."""
        self.text.choose()
        widget = self.text.widget
        if isinstance(widget, QLabel):
            widget.setSelection(self.start, self.end - self.start)
            _reveal(widget, widget.rect())
            return
        cursor = QTextCursor(widget.document())
        cursor.setPosition(self.start)
        cursor.setPosition(self.end, QTextCursor.MoveMode.KeepAnchor)
        widget.setTextCursor(cursor)
        _reveal(widget, widget.cursorRect(cursor))

    def unselect(self) -> None:
        """Remove the selection of the match."""
        widget = self.text.widget
        if isinstance(widget, QLabel):
            widget.setSelection(0, 0)
        else:
            cursor = widget.textCursor()
            cursor.clearSelection()
            widget.setTextCursor(cursor)


def find_matches(texts: Sequence[SearchedText], wanted: str) -> list[Match]:
    """All matches of ``wanted`` in lines of the texts, in order, whatever their case."""
    if not wanted:
        return []
    return [match for text in texts for match in _matches_in(text, wanted)]


def _matches_in(text: SearchedText, wanted: str) -> list[Match]:
    widget = text.widget
    if isinstance(widget, QLabel):
        return _matches_in_line(text, widget.text(), 0, wanted)
    found = []
    block = widget.document().firstBlock()
    while block.isValid():
        if block.isVisible():
            found += _matches_in_line(text, block.text(), block.position(), wanted)
        block = block.next()
    return found


def _matches_in_line(text: SearchedText, line: str, position: int, wanted: str) -> list[Match]:
    lowered, needle = _lowered(line), _lowered(wanted)
    found = []
    place = lowered.find(needle)
    while place >= 0:
        start = position + utf16_length(line[:place])
        end = start + utf16_length(line[place : place + len(needle)])
        found.append(Match(text, start, end))
        place = lowered.find(needle, place + len(needle))
    return found


def _lowered(text: str) -> str:
    """The text in lower case, with every character in its place."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(char if len(char.lower()) > 1 else char.lower() for char in text)


def _reveal(widget: QWidget, area: QRect) -> None:
    """Scroll the area around ``widget`` so that a part of the widget is visible."""
    around = widget.parentWidget()
    while around is not None and not isinstance(around, QScrollArea):
        around = around.parentWidget()
    page = around.widget() if around is not None else None
    if around is not None and page is not None:
        place = widget.mapTo(page, area.center())
        around.ensureVisible(place.x(), place.y(), 0, area.height() + SPACE)
