"""Keys that move the selected token, or extend the range."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from app.ui.state.runs.selection import Selection


def move_by_key(selection: Selection, event: QKeyEvent, last: int) -> bool:
    """Move the selected token by a key, or with Shift extend the range; whether the key does that.

    Args:
        last: Index of the last token.
    """
    key, stretch = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
    step = selection.extend if stretch else selection.move
    jump = selection.extend_to if stretch else selection.select
    if key in (Qt.Key.Key_Right, Qt.Key.Key_Left):
        step(1 if key == Qt.Key.Key_Right else -1)
    elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
        jump(0 if key == Qt.Key.Key_Home else last)
    elif key == Qt.Key.Key_Escape and selection.range is not None:
        selection.select_range(None)
    elif key == Qt.Key.Key_Escape:
        selection.select(None)
    else:
        return False
    return True
