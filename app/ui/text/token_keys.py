"""Keys that move the selected token of a text."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor, QTextDocument

from app.ui.state.runs.selection import Selection
from app.ui.text.transcript_text import TextMap


def move_in_text(
    selection: Selection, key: Qt.Key, document: QTextDocument, places: TextMap, stretch: bool
) -> bool:
    """Move the selected token by a key; whether the key does that.

    Args:
        selection: The selection.
        key: An arrow key, Home or End.
        document: Shows the tokens.
        places: Where the tokens are in the document.
        stretch: Whether the range is extended.
    """
    step = selection.extend if stretch else selection.move
    jump = selection.extend_to if stretch else selection.select
    if key in (Qt.Key.Key_Right, Qt.Key.Key_Left):
        step(1 if key == Qt.Key.Key_Right else -1)
    elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
        jump(0 if key == Qt.Key.Key_Home else max(places.count - 1, 0))
    elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
        down, selected = key == Qt.Key.Key_Down, selection.token
        if selected is None or selected >= places.count:
            selection.move(1 if down else -1)
        else:
            jump(_on_next_line(selected, document, places, down=down))
    else:
        return False
    return True


def _on_next_line(selected: int, document: QTextDocument, places: TextMap, *, down: bool) -> int:
    """The token below or above the selected one."""
    cursor = QTextCursor(document)
    cursor.setPosition(places.token_range(selected)[0])
    move = QTextCursor.MoveOperation.Down if down else QTextCursor.MoveOperation.Up
    index: int | None = selected
    while index == selected and cursor.movePosition(move):  # a token may span several lines
        index = places.token_at(cursor.position())
    return 0 if index is None else index
