"""Switch between the two modes of the window: continuing a text, and having a conversation."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from app.ui.state.session import Session


class ModeSwitch(QWidget):
    """Two buttons, Text and Chat, of which one is down."""

    chosen = Signal()
    """One of the buttons was pressed."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mode = session.mode
        self.setAccessibleName(self.tr("Mode"))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.text = self._make(self.tr("Text"), self.tr("Continue a text"))
        self.chat = self._make(self.tr("Chat"), self.tr("Have a conversation, turn by turn"))
        group = QButtonGroup(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for button in (self.text, self.chat):
            group.addButton(button)
            layout.addWidget(button)
        self.text.clicked.connect(lambda: self._choose(False))
        self.chat.clicked.connect(lambda: self._choose(True))
        self._mode.changed.connect(self._update)
        self._update()

    def _make(self, text: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setToolTip(tip)
        button.setCheckable(True)
        button.setProperty("role", "segment")
        return button

    def _choose(self, chat: bool) -> None:
        self._mode.choose(chat)
        self.chosen.emit()

    def _update(self) -> None:
        (self.chat if self._mode.chat else self.text).setChecked(True)
