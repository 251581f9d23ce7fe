"""Painting of no more than the lines that change while text is added at the end of an editor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QRect, QSignalBlocker
from PySide6.QtGui import QTextCursor, QTextDocument
from PySide6.QtWidgets import QPlainTextEdit


def line_start(document: QTextDocument, position: int) -> int:
    """The position where the line of ``position`` begins as it is laid out."""
    cursor = QTextCursor(document)
    cursor.setPosition(position)
    cursor.movePosition(QTextCursor.MoveOperation.StartOfLine)
    return cursor.position()


@contextmanager
def unpainted(document: QTextDocument) -> Iterator[None]:
    """Add text without a request to paint; the caller paints the lines that have changed.

    Qt would paint the whole paragraph, and everything visible if the paragraph got another line.
    """
    layout = document.documentLayout()
    with QSignalBlocker(layout):
        yield
    layout.documentSizeChanged.emit(layout.documentSize())  # scroll bars depend on it


def paint_from(edit: QPlainTextEdit, position: int) -> None:
    """Paint the line of a position and all lines below it."""
    cursor = QTextCursor(edit.document())
    cursor.setPosition(position)
    area = edit.viewport().rect()
    top = max(edit.cursorRect(cursor).top() - 1, 0)
    edit.viewport().update(QRect(0, top, area.width(), area.height() - top))
