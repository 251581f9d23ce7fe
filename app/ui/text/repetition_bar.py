"""Offers to stop a text that goes round in circles; it never stops one by itself."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from app.decoding.repetition import Repetition, repetition
from app.ui.state.session import Session
from app.ui.state.texts.text_run import Run
from app.ui.theme import SPACE
from app.ui.widgets.message_label import MessageLabel

_LOOKED_AT = 512
"""Tokens at the end of the text, which is asked about once a frame."""


class RepetitionBar(QFrame):
    """Shown below the text while it is being generated and repeats itself."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs = session.runs
        self._let_be: Run | None = None
        self.setAccessibleName(self.tr("The text repeats itself"))
        self.message = MessageLabel()
        self.stop = QPushButton(self.tr("Stop"))
        self.stop.clicked.connect(session.runs.stop)
        self.go_on = QPushButton(self.tr("Let it go on"))
        self.go_on.setProperty("role", "flat")
        self.go_on.clicked.connect(self._leave_alone)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, SPACE // 2, 0, 0)
        layout.setSpacing(SPACE)
        layout.addWidget(self.message, 1)
        layout.addWidget(self.stop)
        layout.addWidget(self.go_on)
        self.setVisible(False)
        session.runs.tokens_added.connect(self._update)
        session.runs.run_changed.connect(self._update)

    def _leave_alone(self) -> None:
        """Say no more of this text."""
        self._let_be = self._runs.current
        self._update()

    def _update(self) -> None:
        run = self._runs.current
        found = None
        if run and run.active and not run.scored and run is not self._let_be:
            found = repetition([token.token_id for token in run.tokens[-_LOOKED_AT:]])
        if found:
            self.message.show_message(self._describe(found), role="caption")
        self.setVisible(found is not None)

    def _describe(self, found: Repetition) -> str:
        if found.length == 1:
            return self.tr("The text repeats one token over and over.")
        return self.tr("The text repeats the same {0} tokens over and over.").format(found.length)
