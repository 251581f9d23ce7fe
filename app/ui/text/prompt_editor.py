"""Editor of the prompt."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent, QTextCursor
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

from app.ui.state.display import Display
from app.ui.state.preset_file import PROMPTS
from app.ui.text.text_scale import follow_text_scale
from app.ui.theme import SPACE
from app.ui.widgets.preset_button import PresetButton

_LINES = 3
"""Number of lines of an empty prompt."""
_SHARE = 0.3
"""Share of the height of the window that a long prompt takes at most."""
_TITLE = 60


def prompt_title(prompt: str) -> str:
    """The beginning of a prompt in one line, for a menu or a button."""
    line = " ".join(prompt.split())
    shown = line if len(line) <= _TITLE else f"{line[: _TITLE - 1]}…"
    return shown.replace("&", "&&")


class _Edit(QPlainTextEdit):
    """Text field that grows with its text, and leaves dropped files to the window."""

    def __init__(self) -> None:
        super().__init__()
        self._window: QWidget | None = None
        self.room: int | None = None
        """The number of lines that there is room for; None where the usual rules hold."""
        self.textChanged.connect(self.grow)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 — Qt's name
        super().showEvent(event)
        if self._window is not self.window():
            self._window = self.window()
            self._window.installEventFilter(self)
        self.grow()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 — Qt's name
        if watched is self._window and event.type() == QEvent.Type.Resize:
            self.grow()
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.grow()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 — Qt's name
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.grow()  # another width breaks lines elsewhere

    def grow(self) -> None:
        """Show all lines, within a share of the height of the window."""
        spacing = self.fontMetrics().lineSpacing()
        most = max(int(self.window().height() * _SHARE) // spacing, _LINES)
        lines = min(max(int(self.document().size().height()), _LINES), most)
        lines = self.room or lines
        height = spacing * lines + 2 * SPACE
        if height != self.height():
            self.setFixedHeight(height)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:  # noqa: N802 — Qt's name
        files = any(url.isLocalFile() for url in source.urls())
        return not files and super().canInsertFromMimeData(source)


class PromptEditor(QFrame):
    """Card with the prompt. Tab moves the focus to the next widget."""

    text_changed = Signal(str)

    def __init__(self, display: Display, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        caption = QLabel(self.tr("Prompt"))
        caption.setProperty("role", "caption")
        self.edit = _Edit()
        self.edit.setProperty("role", "bare")
        self.edit.setTabChangesFocus(True)
        self.edit.setFrameShape(QFrame.Shape.NoFrame)
        self.edit.setPlaceholderText(self.tr("Type the beginning of a text or a question …"))
        self.edit.setAccessibleName(self.tr("Prompt"))
        self.edit.setAccessibleDescription(self.tr("The prompt that the models continue"))
        self.edit.textChanged.connect(lambda: self.text_changed.emit(self.text))
        caption.setBuddy(self.edit)
        follow_text_scale(self.edit, display)
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
        self.presets = PresetButton(PROMPTS, lambda: self.text)
        self.presets.setToolTip(self.tr("Prompts that were saved"))
        self.presets.chosen.connect(lambda prompt: self._take(str(prompt)))
        head.addWidget(self.presets)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE + 4, SPACE, SPACE + 4, SPACE)
        layout.setSpacing(SPACE // 2)
        layout.addLayout(head)
        layout.addWidget(self.edit)

    @property
    def text(self) -> str:
        return self.edit.toPlainText()

    def set_text(self, text: str) -> None:
        """Replace the prompt. Undo in the field reverts only what was typed."""
        if text != self.text:
            self.edit.setPlainText(text)
            self.edit.moveCursor(QTextCursor.MoveOperation.End)
            self.edit.verticalScrollBar().setValue(0)  # show the beginning of a long prompt

    def offer_examples(self, prompts: Sequence[str]) -> None:
        """Offer prompts in a menu; choosing one replaces the prompt, and Undo brings it back."""
        menu = self._examples.menu()
        menu.clear()
        for prompt in prompts:
            action = menu.addAction(prompt_title(prompt))
            action.triggered.connect(lambda *_, chosen=prompt: self._take(chosen))
        self._examples.setVisible(len(prompts) > 1)

    def _take(self, prompt: str) -> None:
        cursor = self.edit.textCursor()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(prompt)
        self.edit.setFocus()

    def set_room(self, lines: int | None) -> None:
        """Show only so many lines, or all within a share of the window."""
        self.edit.room = lines
        self.edit.grow()

    def focus(self) -> None:
        """Give the editor the keyboard focus."""
        self.edit.setFocus()
