"""Editor of the prompt."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPlainTextEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.theme import SPACE

_LINES = 3
_TITLE = 60


def prompt_title(prompt: str) -> str:
    """The beginning of a prompt in one line, for a menu or a button."""
    line = " ".join(prompt.split())
    shown = line if len(line) <= _TITLE else f"{line[: _TITLE - 1]}…"
    return shown.replace("&", "&&")


class _Edit(QPlainTextEdit):
    """Text field that accepts dropped and pasted text, and leaves dropped files to the window."""

    def canInsertFromMimeData(self, source: QMimeData) -> bool:  # noqa: N802 — Qt's name
        files = any(url.isLocalFile() for url in source.urls())
        return not files and super().canInsertFromMimeData(source)


class PromptEditor(QFrame):
    """Card with the prompt. Tab moves the focus to the next widget."""

    text_changed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        caption = QLabel(self.tr("Prompt"))
        caption.setProperty("role", "caption")
        self._edit = _Edit()
        self._edit.setProperty("role", "bare")
        self._edit.setTabChangesFocus(True)
        self._edit.setFrameShape(QFrame.Shape.NoFrame)
        self._edit.setPlaceholderText(self.tr("Type the beginning of a text or a question …"))
        self._edit.setAccessibleName(self.tr("Prompt"))
        self._edit.setAccessibleDescription(self.tr("The prompt that the models continue"))
        self._edit.textChanged.connect(lambda: self.text_changed.emit(self.text))
        caption.setBuddy(self._edit)
        height = self._edit.fontMetrics().lineSpacing() * _LINES + 2 * SPACE
        self._edit.setFixedHeight(height)
        self._examples = QToolButton()
        self._examples.setText(self.tr("Examples"))
        self._examples.setProperty("role", "flat")
        self._examples.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._examples.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._examples.setToolTip(self.tr("Prompts that show what this recipe does"))
        self._examples.setMenu(QMenu(self._examples))
        self._examples.hide()
        head = QHBoxLayout()
        head.addWidget(caption, 1)
        head.addWidget(self._examples)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE + 4, SPACE, SPACE + 4, SPACE)
        layout.setSpacing(SPACE // 2)
        layout.addLayout(head)
        layout.addWidget(self._edit)

    @property
    def text(self) -> str:
        return self._edit.toPlainText()

    def set_text(self, text: str) -> None:
        """Replace the prompt. Undo in the field reverts only what was typed."""
        if text != self.text:
            self._edit.setPlainText(text)
            self._edit.moveCursor(QTextCursor.MoveOperation.End)
            self._edit.verticalScrollBar().setValue(0)  # show the beginning of a long prompt

    def offer_examples(self, prompts: Sequence[str]) -> None:
        """Offer prompts in a menu; choosing one replaces the prompt, and Undo brings it back."""
        menu = self._examples.menu()
        menu.clear()
        for prompt in prompts:
            action = menu.addAction(prompt_title(prompt))
            action.triggered.connect(lambda *_, chosen=prompt: self._take(chosen))
        self._examples.setVisible(len(prompts) > 1)

    def _take(self, prompt: str) -> None:
        cursor = self._edit.textCursor()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(prompt)
        self._edit.setFocus()

    def focus(self) -> None:
        """Give the editor the keyboard focus."""
        self._edit.setFocus()
