"""The details of the run selected in the history: facts, text and tags."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QLabel, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from app.history.records import RunSummary
from app.ui.history.run_words import RunWords
from app.ui.theme import SPACE, current_theme


class RunDetails(QFrame):
    """Shows one run; empty if no run or several runs are selected."""

    tagged = Signal(str, list)
    """The id of a run and its tags as edited by the user."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = RunWords(self)
        self._run: RunSummary | None = None
        self.setProperty("role", "card")
        self.facts = QLabel()
        self.facts.setProperty("role", "caption")
        self.facts.setWordWrap(True)
        self.facts.setTextFormat(Qt.TextFormat.PlainText)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName(self.tr("Prompt and beginning of the generated text"))
        self.text.setTabChangesFocus(True)
        self.tags = QLineEdit()
        self.tags.setPlaceholderText(self.tr("Tags, separated by commas"))
        self.tags.setAccessibleName(self.tr("Tags"))
        self.tags.editingFinished.connect(self._on_tags)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE + 4, SPACE + 4, SPACE + 4, SPACE + 4)
        layout.setSpacing(SPACE)
        layout.addWidget(self.facts)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.tags)
        self.show_run(None)

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(300, 400)

    def show_run(self, run: RunSummary | None) -> None:
        """Show ``run``; keep tags that are being edited if it is the same run as before."""
        same = run is not None and self._run is not None and run.id == self._run.id
        if same and run == self._run:
            return
        if not same:
            self._on_tags()
        self._run = run
        about = (self._words.provenance(run), self._words.facts(run)) if run else ()
        self.facts.setText("\n".join(about))
        self.tags.setEnabled(run is not None)
        if not (same and self.tags.isModified()):
            self.tags.setText(", ".join(run.tags) if run else "")
        self._write(run)

    def _write(self, run: RunSummary | None) -> None:
        self.text.clear()
        if run is None:
            return
        cursor = QTextCursor(self.text.document())
        muted, plain = QTextCharFormat(), QTextCharFormat()
        muted.setForeground(QColor(current_theme().muted))
        cursor.insertText(run.prompt, muted)
        if run.is_answer:
            cursor.insertText("\n\n", muted)  # a text goes on where its prompt ends
        cursor.insertText(run.opening, plain)
        self.text.moveCursor(QTextCursor.MoveOperation.Start)

    def _on_tags(self) -> None:
        if self._run and self.tags.isModified():
            self.tags.setModified(False)
            tags = [tag.strip() for tag in self.tags.text().split(",")]
            self.tagged.emit(self._run.id, [tag for tag in tags if tag])
