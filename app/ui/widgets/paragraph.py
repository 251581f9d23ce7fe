"""A paragraph: a label with text that is wrapped, and shown as it is without markup."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel


def paragraph(text: str = "", role: str = "") -> QLabel:
    """A label with wrapped plain text, in the style of ``role`` in the style sheet."""
    label = QLabel(text)
    if role:
        label.setProperty("role", role)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label
