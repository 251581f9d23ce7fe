"""A message of the user: plain text on a card that is as wide as the text needs."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from app.ui.theme import SPACE

_LEAST = 8 * SPACE


class _Text(QLabel):
    """Label whose preferred width is that of its longest line; longer lines wrap."""

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        lines = self.text().split("\n")
        width = max(self.fontMetrics().horizontalAdvance(line) for line in lines) + 2
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(min(self.sizeHint().width(), _LEAST), self.fontMetrics().height())


class MessageBubble(QFrame):
    """Card with a message, which the mouse can select."""

    def __init__(self, message: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bubble")
        self.text = _Text(message)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setAccessibleName(self.tr("Your message"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE + 4, SPACE, SPACE + 4, SPACE)
        layout.addWidget(self.text)
