"""Dialog that scores a given text after a prompt."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QSize, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.state.runs.run import Run
from app.ui.state.session import LoadState, Session
from app.ui.theme import SPACE
from app.ui.view_keys import ViewKey
from app.ui.widgets.dialogs import show_once

_SIZE = QSize(640, 520)
_LONGEST_FILE = 4_000_000


class _Edit(QPlainTextEdit):
    """Text field that accepts pasted text, dropped text and the content of dropped files."""

    unreadable = Signal(str)
    """A dropped file cannot be read; its name."""

    def insertFromMimeData(self, source: QMimeData) -> None:  # noqa: N802 — Qt's name
        files = [Path(url.toLocalFile()) for url in source.urls() if url.isLocalFile()]
        if files and files[0].is_file():
            try:
                with files[0].open(encoding="utf-8", errors="replace") as file:
                    self.insertPlainText(file.read(_LONGEST_FILE))
            except OSError:
                self.unreadable.emit(str(files[0]))
        else:
            super().insertFromMimeData(source)


class ScoreDialog(QDialog):
    """Dialog with a prompt and a text; scoring makes a run of the window."""

    def __init__(self, session: Session, prompt: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._run: Run | None = None
        self.setWindowTitle(self.tr("Score a text"))
        self.prompt = self._make_field(self.tr("Prompt"), prompt)
        self.prompt.setFixedHeight(self.prompt.fontMetrics().lineSpacing() * 4 + 2 * SPACE)
        self.text = self._make_field(self.tr("Text"), "")
        self.text.setPlaceholderText(
            self.tr(
                "Paste the answer of any model, or type a text. The text begins right "
                "after the prompt."
            )
        )
        self.message = QLabel()
        self.message.setProperty("role", "caption")
        self.message.setWordWrap(True)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.score = QPushButton(self.tr("Score"))
        self.score.setProperty("role", "primary")
        self.score.setToolTip(
            self.tr("Compute the probability and the shift of each token of the text (Ctrl+Enter)")
        )
        self._buttons.addButton(self.score, QDialogButtonBox.ButtonRole.AcceptRole)
        self._buttons.accepted.connect(self._score)
        self._buttons.rejected.connect(self.reject)
        ViewKey.SCORE.shortcut(self, self._score)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, SPACE + 4)
        layout.setSpacing(SPACE)
        for field in (self.prompt, self.text):
            caption = QLabel(field.accessibleName())
            caption.setProperty("role", "caption")
            caption.setBuddy(field)
            layout.addWidget(caption)
            layout.addWidget(field, 1 if field is self.text else 0)
        layout.addWidget(self.message)
        layout.addWidget(self._buttons)
        self.prompt.textChanged.connect(self._update)
        self.text.textChanged.connect(self._update)
        session.runs.run_changed.connect(self._on_run)
        session.load_changed.connect(self._update)
        self._update()
        self.text.setFocus()

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return _SIZE

    def _make_field(self, name: str, text: str) -> QPlainTextEdit:
        field = _Edit()
        field.unreadable.connect(self._on_unreadable)
        field.setPlainText(text)
        field.setTabChangesFocus(True)
        field.setAccessibleName(name)
        return field

    def _update(self) -> None:
        session = self._session
        prompt, text = self.prompt.toPlainText(), self.text.toPlainText()
        self.score.setEnabled(bool(prompt and text) and not session.runs.running)
        if self._run:
            message = self.tr("Reading the text …")
        elif session.runs.running:
            message = self.tr("Another run is being generated. Press Esc in the window to stop it.")
        elif session.load_state is LoadState.FAILED:
            message = self.tr("The models are not loaded; scoring loads them.")
        elif not prompt:
            message = self.tr("Type a prompt: the text that comes before the scored text.")
        elif not text:
            message = self.tr(
                "Nothing is generated: the models compute how probable each token of this text is."
            )
        else:
            message = self.tr("{0} characters").format(f"{len(text):,}")
            if not (prompt[-1].isspace() or text[0].isspace()):
                joined = f"…{prompt[-12:]}{text[:12]}…"
                message = self.tr("{0} characters, right after the prompt: “{1}”").format(
                    f"{len(text):,}", joined
                )
        self.message.setText(message)

    def _on_unreadable(self, name: str) -> None:
        self.message.setText(self.tr("{0} cannot be read").format(name))

    def _score(self) -> None:
        runs = self._session.runs
        if self.score.isEnabled():
            before = runs.current
            runs.score(self.prompt.toPlainText(), self.text.toPlainText())
            if runs.current is not before:
                self._run = runs.current
            self._on_run()

    def _on_run(self) -> None:
        """Close after a successful run; keep the typed text after an error."""
        run, self._run = self._run, None
        if run and run.active:
            self._run = run
        elif run and not run.failed:
            self.accept()
            return
        self._update()
        problem = self._session.problem
        if run and run.failed and problem:
            self.message.setText(str(problem.error))


def show_score(session: Session, parent: QWidget, prompt: str) -> None:
    """Open the dialog with ``prompt``, or raise it."""
    show_once(parent, ScoreDialog, "score", lambda above: ScoreDialog(session, prompt, above))
