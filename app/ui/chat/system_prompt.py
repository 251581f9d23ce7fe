"""The system prompt of the conversation, which can be edited."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from app.ui.chat.message_entry import MessageEntry
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.wording import quoted, visible

_SHOWN = 120
_FRAME = 1
"""Width of the frame of a card in pixels."""


class SystemPrompt(QWidget):
    """Field of the system prompt. While it is empty, the roles use those of the recipe."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.field = MessageEntry()
        self.field.setAccessibleName(self.tr("System prompt"))
        self.field.setToolTip(
            self.tr(
                "What every role is told before the conversation, from the next message on; it "
                "replaces the system prompts of the recipe"
            )
        )
        caption = QLabel(self.tr("System"))
        caption.setProperty("role", "caption")
        caption.setBuddy(self.field)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        card = QFrame()
        card.setProperty("role", "card")
        caption.setContentsMargins(0, _FRAME + round(self.field.document().documentMargin()), 0, 0)
        layout.addWidget(caption, 0, Qt.AlignmentFlag.AlignTop)  # on the line of the field's text
        inside = QHBoxLayout(card)
        inside.setContentsMargins(SPACE // 2, 0, SPACE // 2, 0)
        inside.addWidget(self.field)
        layout.addWidget(card, 1, Qt.AlignmentFlag.AlignTop)
        self.field.textChanged.connect(self._take)
        self.field.sent.connect(lambda: self.field.focusNextChild())
        session.chat.system_changed.connect(self._update)
        session.recipe_changed.connect(self._update)
        self._update()

    def _take(self) -> None:
        self._session.chat.set_system(self.field.toPlainText())

    def _update(self) -> None:
        system = self._session.chat.system
        if system != self.field.toPlainText():
            self.field.setPlainText(system)
            self.field.moveCursor(QTextCursor.MoveOperation.End)
        self.field.setPlaceholderText(self._of_recipe())

    def _of_recipe(self) -> str:
        """What the roles use while the field is empty."""
        own = {spec.system for spec in self._session.recipe.checkpoints()}
        if own == {""}:
            return self.tr("none")
        if len(own) > 1:
            return self.tr("as in the recipe")
        return self.tr("as in the recipe: {0}").format(quoted(visible(own.pop()[:_SHOWN])))
