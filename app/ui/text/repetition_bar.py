"""Bar that offers to stop a run that repeats itself; it never stops a run by itself."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from app.decoding.repetition import Repetition, repetition
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.widgets.message_label import MessageLabel

_CHECKED_TOKENS = 512
"""The check runs once per frame and examines only this many of the last tokens."""


class RepetitionBar(QFrame):
    """Message with buttons, visible while the shown run is generated and repeats itself."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs = session.runs
        self._ignored_run: Run | None = None
        self.setAccessibleName(self.tr("The run repeats itself"))
        self.message = MessageLabel()
        self.stop = QPushButton(self.tr("Stop"))
        self.stop.clicked.connect(session.runs.stop)
        self.keep_generating = QPushButton(self.tr("Keep generating"))
        self.keep_generating.setProperty("role", "flat")
        self.keep_generating.clicked.connect(self._ignore_run)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, SPACE // 2, 0, 0)
        layout.setSpacing(SPACE)
        layout.addWidget(self.message, 1)
        layout.addWidget(self.stop)
        layout.addWidget(self.keep_generating)
        self.setVisible(False)
        session.runs.tokens_added.connect(self._update)
        session.runs.run_changed.connect(self._update)

    def _ignore_run(self) -> None:
        """Hide the bar for the rest of this run."""
        self._ignored_run = self._runs.current
        self._update()

    def _update(self) -> None:
        run = self._runs.current
        found = None
        if run and run.active and not run.scored and run is not self._ignored_run:
            found = repetition([token.token_id for token in run.tokens[-_CHECKED_TOKENS:]])
        if found:
            self.message.show_message(self._describe(found), role="caption")
        self.setVisible(found is not None)

    def _describe(self, found: Repetition) -> str:
        if found.length == 1:
            return self.tr("The run repeats one token over and over.")
        return self.tr("The run repeats the same {0} tokens over and over.").format(found.length)
