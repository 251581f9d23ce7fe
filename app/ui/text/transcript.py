"""Transcript: the card with the prompt, the generated text and, below it, the legend."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QLabel, QStackedLayout, QVBoxLayout, QWidget

from app.decoding.types import FinishReason
from app.ui.state.runs.run import Run
from app.ui.state.session import LoadState, Session
from app.ui.text.legend import Marks, TintLegend
from app.ui.text.legend_row import LegendRow
from app.ui.text.tint_menus import GroupingMenu, MenuButton, TintMenu, shown_pairs
from app.ui.text.tint_words import grouping_title, tint_explanation, tint_title
from app.ui.text.transcript_edit import TranscriptText
from app.ui.theme import SPACE
from app.ui.widgets.focus_ring import FOCUS_GAP, paint_focus_ring


class TranscriptView(QWidget):
    """Prompt and generated text with the legend below; instructions while there is no run."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.text = TranscriptText(session)
        self.text.installEventFilter(self)
        self._empty = QLabel(
            self.tr(
                "<p><b>Press Generate to continue the prompt.</b></p><p>Each token is then "
                "coloured by its shift: how much the experts changed its "
                "probability.<br>You can move α while tokens are generated; the next token "
                "uses it.</p>"
            )
        )
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._empty.setProperty("role", "caption")
        self._note = QLabel()
        self._note.setProperty("role", "caption")
        self._pages = QStackedLayout()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self.text)
        self._legend = TintLegend()
        self._tint = MenuButton(TintMenu(session, self), self.tr("Tint"))
        self._grouping = MenuButton(GroupingMenu(session, self), self.tr("Group"))
        for quiet in (self._note, self._tint, self._grouping):
            quiet.setFont(self._legend.font())
        footer = LegendRow((self._tint, self._grouping), self._legend, self._note)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(FOCUS_GAP, FOCUS_GAP, FOCUS_GAP, 0)
        layout.setSpacing(SPACE)
        layout.addLayout(self._pages, 1)
        layout.addWidget(footer)
        session.runs.run_changed.connect(self._update)
        session.load_changed.connect(self._update)
        session.runs.tokens_added.connect(self._update)
        session.runs.questions.changed.connect(self._update)
        session.display.tint_changed.connect(self._update)
        session.recipe_changed.connect(self._update)
        self.text.theme_changed.connect(self._update)
        self._update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        super().paintEvent(event)
        paint_focus_ring(self, self.text)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 — Qt's name
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return super().eventFilter(watched, event)

    def _update(self) -> None:
        run = self._session.runs.current
        self._pages.setCurrentIndex(0 if run is None else 1)
        self._note.setText(self._describe(run) if run else "")
        pairs, display = shown_pairs(self._session), self._session.display
        tint = display.tint.of(len(pairs))
        self._tint.show_choice(tint_title(tint, pairs), tint_explanation(tint))
        self._grouping.show_choice(grouping_title(display.grouping))
        self._legend.show_tints(self.text.tints, self._marks(run) if run else Marks())

    def _marks(self, run: Run) -> Marks:
        what_if = self._session.runs.questions.answer
        return Marks(
            flips=bool(run.pair_names),
            others=what_if is not None and what_if.run is run and bool(what_if.choices),
            given=not run.scored and any(token.forced for token in run.tokens),
        )

    def _describe(self, run: Run) -> str:
        if run.active and not run.tokens:
            loaded = self._session.load_state is LoadState.LOADED
            return (
                self.tr("reading the prompt …") if loaded else self.tr("waiting for the models …")
            )
        if run.finish_reason is None:
            return ""
        if not run.tokens and run.finish_reason is FinishReason.EOS:
            return self.tr("The models generated the end-of-text token at once.")
        if run.finish_reason is FinishReason.LENGTH and (run.scored or run.stepping):
            return ""  # the limit of the settings did not end this run
        return {
            FinishReason.EOS: self.tr("end of text"),
            FinishReason.STOP: self.tr("stop string"),
            FinishReason.LENGTH: self.tr("token limit"),
            FinishReason.CANCELLED: self.tr("stopped"),
        }[run.finish_reason]
