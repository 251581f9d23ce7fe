"""Page that a view shows while it has nothing else to show."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from app.ui.theme import SPACE


def empty_page(text: str) -> QLabel:
    """A centred caption that says what will appear in the view, and when."""
    page = QLabel(text)
    page.setProperty("role", "caption")
    page.setAlignment(Qt.AlignmentFlag.AlignCenter)
    page.setWordWrap(True)
    page.setMargin(4 * SPACE)
    return page
