"""Cursors in a text that grows at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QMimeData, QPoint, QSignalBlocker
from PySide6.QtGui import QTextCursor, QTextDocument
from PySide6.QtWidgets import QPlainTextEdit

from app.ui.text.transcript_text import TextMap


def fixed_cursor(document: QTextDocument, start: int, end: int) -> QTextCursor:
    """A cursor with the selection from ``start`` to ``end``, which new text does not extend.

    Other cursors move behind text that is inserted at them, so that the mark of the last token
    would cover all tokens that follow.
    """
    cursor = QTextCursor(document)
    cursor.setPosition(start)
    cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
    cursor.setKeepPositionOnInsert(True)  # Qt keeps the position, but would move the anchor
    return cursor


@contextmanager
def selection_kept(edit: QPlainTextEdit) -> Iterator[None]:
    """Keep the text selection of ``edit`` while text is added, also a selection up to the end."""
    cursor = edit.textCursor()
    anchor, position = cursor.anchor(), cursor.position()
    yield
    if anchor != position and max(anchor, position) != edit.textCursor().selectionEnd():
        cursor.setPosition(anchor)
        cursor.setPosition(position, QTextCursor.MoveMode.KeepAnchor)
        bar = edit.verticalScrollBar()
        scrolled = bar.value()
        with QSignalBlocker(edit):
            edit.setTextCursor(cursor)
        bar.setValue(scrolled)  # Qt scrolls to the cursor


def exact_selection(edit: QPlainTextEdit, places: TextMap) -> QMimeData:
    """The selected text of ``edit`` for the clipboard, without marks."""
    cursor = edit.textCursor()
    data = QMimeData()
    data.setText(places.exact(cursor.selectionStart(), cursor.selectionEnd()))
    return data


def clear_selection(edit: QPlainTextEdit) -> None:
    """Clear the text selection without scrolling."""
    bar, cursor = edit.verticalScrollBar(), edit.textCursor()
    place = bar.value()
    cursor.clearSelection()
    edit.setTextCursor(cursor)
    bar.setValue(place)


def point_below(edit: QPlainTextEdit, position: int) -> QPoint:
    """The point of the screen right below the character at a position."""
    cursor = QTextCursor(edit.document())
    cursor.setPosition(position)
    return edit.viewport().mapToGlobal(edit.cursorRect(cursor).bottomLeft())


def scroll_to(edit: QPlainTextEdit, position: int) -> None:
    """Bring a position into view without changing the text cursor and its selection."""
    cursor = QTextCursor(edit.document())
    cursor.setPosition(position)
    edit.blockBoundingGeometry(cursor.block())  # makes Qt lay out the block
    if edit.viewport().rect().contains(edit.cursorRect(cursor).center()):
        return
    block = cursor.block()
    line = block.layout().lineForTextPosition(position - block.position())
    number = block.firstLineNumber() + max(line.lineNumber(), 0)
    page = edit.viewport().height() // edit.fontMetrics().lineSpacing()
    edit.verticalScrollBar().setValue(number - page // 3)


def shown_at(edit: QPlainTextEdit, start: int, end: int, point: QPoint) -> bool:
    """Whether the glyphs from ``start`` to ``end`` are at a point of the viewport of ``edit``."""
    edge = QTextCursor(edit.document())
    for position in range(start, end):
        edge.setPosition(position)
        left = edit.cursorRect(edge)
        edge.setPosition(position + 1)
        right = edit.cursorRect(edge)
        if left.top() <= point.y() <= left.bottom() and (
            left.left() <= point.x() <= right.left() or right.top() != left.top()
        ):
            return True
    return False
