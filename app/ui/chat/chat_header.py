"""Row above the conversation: its system prompt, the form of answers, and a new conversation."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from app.ui.chat.system_prompt import SystemPrompt
from app.ui.state.session import Session
from app.ui.theme import SPACE


class ChatHeader(QWidget):
    """System prompt, a switch between tokens and formatted text, and a button that begins anew."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.system = SystemPrompt(session)
        self.formatted = QToolButton()
        self.formatted.setText(self.tr("Formatted"))
        self.formatted.setToolTip(
            self.tr("Show answers as formatted text instead of tokens (Ctrl+Shift+M)")
        )
        self.formatted.setCheckable(True)
        self.formatted.setProperty("role", "segment")
        self.formatted.toggled.connect(session.display.set_rendered)
        self.new = QToolButton()
        self.new.setText(self.tr("New"))
        self.new.setToolTip(
            self.tr("Begin a new conversation; the tab Runs keeps this one (Ctrl+Shift+N)")
        )
        self.new.setProperty("role", "flat")
        self.new.clicked.connect(session.chat.start_anew)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self.system, 1)
        layout.addWidget(self.formatted)
        layout.addWidget(self.new)
        session.display.rendered_changed.connect(self._update)
        session.chat.changed.connect(self._update)
        session.runs.run_changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        self.formatted.setChecked(self._session.display.rendered)
        begun = self._session.chat.tip is not None
        self.new.setEnabled(begun and not self._session.runs.running)
