"""The answer of a turn: as tokens, or as formatted text."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.ui.chat.answer_text import AnswerText
from app.ui.chat.rendered_answer import RenderedAnswer
from app.ui.chat.thinking_row import ThinkingRow, thoughts
from app.ui.state.runs.chat import Turn
from app.ui.state.session import LoadState, Session
from app.ui.text.reading_text import reading_font
from app.ui.text.text_scale import follow_text_scale


class AnswerView(QWidget):
    """The answer of a turn, in the form that the display settings say.

    An answer without a run has no tokens and is always formatted text.
    """

    reveal = Signal(QRect)
    """A part of this widget should be visible."""

    def __init__(self, session: Session, turn: Turn) -> None:
        super().__init__()
        self._session = session
        self._turn = turn
        self.tokens: AnswerText | None = None
        self.rendered: RenderedAnswer | None = None
        self._waiting = QLabel()
        self._waiting.setProperty("role", "caption")
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self.thinking = ThinkingRow()
        self.thinking.opened.connect(self._show_thinking)
        self.thoughts = QLabel()
        self.thoughts.setTextFormat(Qt.TextFormat.PlainText)
        self.thoughts.setWordWrap(True)
        self.thoughts.setProperty("role", "caption")
        self.thoughts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for widget in (self._waiting, self.thinking, self.thoughts):
            self._layout.addWidget(widget)
        self.thinking.hide()
        self.thoughts.hide()
        self.update_answer()

    @property
    def text(self) -> str:
        """The text of the answer."""
        return self._turn.answer.text if self._turn.answer else self._turn.text

    def update_answer(self) -> None:
        """Show the answer in its form, or why there is nothing yet."""
        run = self._turn.answer
        rendered = run is None or self._session.display.rendered
        waiting = run is not None and run.active and not run.tokens
        self._waiting.setVisible(waiting)
        if waiting:
            loaded = self._session.load_state is LoadState.LOADED
            said = self.tr("reading the conversation …") if loaded else self.tr("loading …")
            self._waiting.setText(said)
        if run:
            self.thinking.show_run(run)
            self._show_thoughts(rendered)
        if rendered:
            self._show_rendered()
        elif self.tokens is None and run is not None:
            self.tokens = AnswerText(self._session, run)
            self.tokens.reveal.connect(self._on_reveal)
            self.tokens.unfolded.connect(lambda: self.thinking.setChecked(True))
            self.tokens.fold(not self.thinking.isChecked())
            self._layout.addWidget(self.tokens)
        if self.tokens:
            self.tokens.setVisible(not rendered)
        if self.rendered:
            self.rendered.setVisible(rendered)

    def _show_rendered(self) -> None:
        if self.rendered is None:
            self.rendered = RenderedAnswer()
            self.rendered.chosen.connect(self.choose)
            follow_text_scale(self.rendered, self._session.display, reading_font)
            self._layout.addWidget(self.rendered)
        run = self._turn.answer
        self.rendered.show_markdown(run.answer if run else self._turn.text)

    def _show_thinking(self, shown: bool) -> None:
        if self.tokens:
            self.tokens.fold(not shown)
        self._show_thoughts(self._session.display.rendered)

    def _show_thoughts(self, rendered: bool) -> None:
        """Show the thinking above formatted text; among tokens it is part of the text."""
        run = self._turn.answer
        shown = rendered and run is not None and self.thinking.isChecked()
        self.thoughts.setVisible(shown)
        if shown and run:
            self.thoughts.setText(thoughts(run))

    def focus(self) -> None:
        """Give the text of the answer the keyboard focus."""
        for shown in (self.tokens, self.rendered):
            if shown and not shown.isHidden():
                shown.setFocus(Qt.FocusReason.OtherFocusReason)

    def choose(self) -> None:
        """Make this answer the shown run."""
        if self._turn.answer:
            self._session.runs.show(self._turn.answer)

    def _on_reveal(self, area: QRect) -> None:
        if self.tokens:
            self.reveal.emit(area.translated(self.tokens.pos()))
