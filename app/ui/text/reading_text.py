"""Look and behaviour of a text that is read and not edited."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QPlainTextEdit

from app.ui.state.display import Display
from app.ui.text.text_scale import follow_text_scale

_READING_SIZE = 1.2
"""Size of the text relative to the application's font."""


def reading_font(usual: QFont) -> QFont:
    """The font of texts that are read: larger than the application's font, with serifs."""
    font = QFont("serif")
    font.setStyleHint(QFont.StyleHint.Serif)
    font.setPointSizeF(usual.pointSizeF() * _READING_SIZE)
    return font


def set_up_reading(edit: QPlainTextEdit, display: Display) -> None:
    """Make ``edit`` read-only, with the reading font and without a text cursor."""
    edit.setReadOnly(True)
    edit.setUndoRedoEnabled(False)
    edit.setFrameShape(QFrame.Shape.NoFrame)
    edit.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # lines wrap
    edit.setProperty("role", "tinted")
    edit.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse
        | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    edit.setCursorWidth(0)  # keys move the selected token; there is no text cursor
    edit.document().setDocumentMargin(0)
    edit.viewport().setCursor(Qt.CursorShape.ArrowCursor)
    follow_text_scale(edit, display, reading_font)
