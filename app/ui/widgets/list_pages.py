"""The two pages of a list of what was done before: the list with its buttons, and an empty page."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from app.ui.theme import SPACE
from app.ui.widgets.empty_page import empty_page


class ListPages(QStackedLayout):
    """Shows a list above its buttons, or a caption while the list is empty.

    Args:
        parent: The widget that the pages fill.
        listed: The list.
        buttons: What can be done with the selected line.
        nothing: The caption of the empty list.
    """

    def __init__(
        self, parent: QWidget, listed: QWidget, buttons: Sequence[QPushButton], nothing: str
    ) -> None:
        super().__init__(parent)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(SPACE + 4, SPACE, SPACE + 4, SPACE)
        layout.setSpacing(SPACE)
        layout.addWidget(listed, 1)
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        row.addStretch(1)
        for button in buttons:
            button.setAutoDefault(False)
            row.addWidget(button)
        layout.addLayout(row)
        self.addWidget(empty_page(nothing))
        self.addWidget(page)

    def show_list(self, *, empty: bool) -> None:
        """Show the list, or the caption where it is empty."""
        self.setCurrentIndex(0 if empty else 1)
