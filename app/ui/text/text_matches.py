"""Matches of a search in the texts of the window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QScrollArea, QTextEdit, QWidget
from shiboken6 import isValid

from app.attribution.token_query import QueriedTokens, TokenQuery, find_tokens
from app.ui.text.searchable_text import SearchableText
from app.ui.text.text_pattern import Spans
from app.ui.text.transcript_edit import TranscriptText
from app.ui.theme import SPACE

_LINE_BREAKS = {0x2028: "\n", 0x2029: "\n", 0xA0: " "}
"""What ends lines and paragraphs in a document of Qt, and its spaces."""

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
    """A match, with its positions in UTF-16 code units.

    Attributes:
        text: The text.
        start: Where the match begins in the document of the text; ``end`` is where it ends.
        token: The token that matches, of a search for tokens.
    """

    text: SearchedText
    start: int
    end: int
    token: int | None = None

    def show(self) -> None:
        """Select the match and scroll to it."""
        self.text.choose()
        widget = self.text.widget
        if self.token is not None and isinstance(widget, TranscriptText):
            widget.select_token(self.token)
            return
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
        if not isValid(widget):
            return  # a turn of the conversation that was deleted
        if isinstance(widget, QLabel):
            widget.setSelection(0, 0)
        else:
            cursor = widget.textCursor()
            cursor.clearSelection()
            widget.setTextCursor(cursor)


@dataclass(frozen=True, slots=True, eq=False)
class TextSnapshot:
    """A text as it is at the moment, so that it can be searched on another thread."""

    source: SearchedText
    content: SearchableText

    def matches(self, spans: Spans) -> Iterator[Match]:
        """Matches at ``spans`` of the content, without those that begin in a hidden line."""
        widget = self.source.widget
        if not isValid(widget):
            return  # a turn of the conversation that was deleted meanwhile
        for span in spans:
            start, end = self.content.place(*span)
            if isinstance(widget, QLabel) or widget.document().findBlock(start).isVisible():
                yield Match(self.source, start, end)


def snapshots(texts: Sequence[SearchedText]) -> list[TextSnapshot]:
    """What is written in each of the texts now."""
    return [TextSnapshot(text, _content(text.widget)) for text in texts]


def _content(widget: Searched) -> SearchableText:
    if isinstance(widget, TranscriptText):
        return SearchableText(widget.places.pieces)
    if isinstance(widget, QLabel):
        return SearchableText.of(widget.text())
    return SearchableText.of(widget.document().toRawText().translate(_LINE_BREAKS))


def contents_of_tokens(texts: Sequence[SearchedText]) -> list[object]:
    """What the matches of a search for tokens depend on, for comparisons."""
    found: list[object] = []
    for text in texts:
        widget = text.widget
        if isinstance(widget, TranscriptText) and widget.shown_run is not None:
            run = widget.shown_run
            last = run.tokens[widget.places.count - 1] if widget.places.count else None
            found.append((id(widget), id(run), id(last), len(run.tokens), *sorted(run.bookmarks)))
    return found


def are_incomplete(texts: Sequence[SearchedText]) -> bool:
    """Whether a text shows a long run whose last parts are not written yet."""
    return any(
        isinstance(text.widget, TranscriptText)
        and text.widget.shown_run is not None
        and text.widget.places.count < len(text.widget.shown_run.tokens)
        for text in texts
    )


def matching_tokens(texts: Sequence[SearchedText], query: TokenQuery) -> list[Match]:
    """The tokens that match ``query`` in those of the texts that show a run."""
    found = []
    for text in texts:
        widget = text.widget
        run = widget.shown_run if isinstance(widget, TranscriptText) else None
        if not isinstance(widget, TranscriptText) or run is None:
            continue
        shown = run.tokens[: widget.places.count]
        asked = QueriedTokens(shown, run.series, run.label, run.pair_names, run.bookmarks)
        places = widget.places
        found += [
            Match(text, *places.token_range(index), index)
            for index in find_tokens(query, asked)
            if index < len(shown)
        ]
    return found


def _reveal(widget: QWidget, area: QRect) -> None:
    """Scroll the area around ``widget`` so that a part of the widget is visible."""
    around = widget.parentWidget()
    while around is not None and not isinstance(around, QScrollArea):
        around = around.parentWidget()
    page = around.widget() if around is not None else None
    if around is not None and page is not None:
        place = widget.mapTo(page, area.center())
        around.ensureVisible(place.x(), place.y(), 0, area.height() + SPACE)
