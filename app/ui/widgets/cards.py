"""Cards: frames with a border, on which the parts of the window lie."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.ui.theme import SPACE


def card() -> QFrame:
    """A card without content."""
    card = QFrame()
    card.setProperty("role", "card")
    return card


def fill(card: QFrame, *widgets: QWidget) -> None:
    """Lay widgets out on a card, one below another."""
    layout = QVBoxLayout(card)
    layout.setContentsMargins(SPACE + 4, SPACE, SPACE + 4, SPACE)
    layout.setSpacing(SPACE // 2)
    for widget in widgets:
        layout.addWidget(widget)
