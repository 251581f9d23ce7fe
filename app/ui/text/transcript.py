"""Transcript: the card with the prompt, the generated text and, below it, the legend."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QStackedLayout, QVBoxLayout, QWidget

from app.ui.state.session import Session
from app.ui.text.empty_transcript import EmptyTranscript
from app.ui.text.transcript_edit import TranscriptText
from app.ui.text.transcript_footer import TranscriptFooter
from app.ui.theme import SPACE
from app.ui.widgets.focus_ring import FOCUS_GAP, paint_focus_ring
from app.ui.widgets.pages import show_page


class TranscriptView(QWidget):
    """Prompt and generated text with the legend below; instructions while there is no run."""

    new_recipe_wanted = Signal()
    """The user asked for a new recipe."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.text = TranscriptText(session)
        self.text.setAccessibleName(self.tr("Generated text"))
        self.text.installEventFilter(self)
        self._empty = EmptyTranscript()
        self._empty.new_recipe_wanted.connect(self.new_recipe_wanted)
        self._pages = QStackedLayout()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self.text)
        footer = TranscriptFooter(session, lambda: self.text.tints)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(FOCUS_GAP, FOCUS_GAP, FOCUS_GAP, 0)
        layout.setSpacing(SPACE)
        layout.addLayout(self._pages, 1)
        layout.addWidget(footer)
        session.runs.run_changed.connect(self._update)
        self.text.theme_changed.connect(footer.update_row)
        self._update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        super().paintEvent(event)
        paint_focus_ring(self, self.text)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 — Qt's name
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return super().eventFilter(watched, event)

    def _update(self) -> None:
        show_page(self._pages, self._empty if self._session.runs.current is None else self.text)
