"""Row below a text of tokens: menus of tint and groups, the legend, and how the run ended."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.decoding.types import FinishReason
from app.ui.state.runs.run import Run
from app.ui.state.session import LoadState, Session
from app.ui.text.legend import Marks, TintLegend
from app.ui.text.legend_row import LegendRow
from app.ui.text.tint_menus import GroupingMenu, MenuButton, TintMenu, shown_pairs
from app.ui.text.tint_words import grouping_title, tint_explanation, tint_title
from app.ui.text.token_tints import TokenTints


class TranscriptFooter(QWidget):
    """Menus of the tint and of groups, the legend of the tints, and a note about the shown run.

    Args:
        tints: Returns the colours of the shown run, or None.
    """

    def __init__(
        self,
        session: Session,
        tints: Callable[[], TokenTints | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._tints = tints
        self._some_given = False
        self._legend = TintLegend()
        self._note = QLabel()
        self._note.setProperty("role", "caption")
        self._tint = MenuButton(TintMenu(session, self), self.tr("Tint"))
        self._grouping = MenuButton(GroupingMenu(session, self), self.tr("Group"))
        for quiet in (self._note, self._tint, self._grouping):
            quiet.setFont(self._legend.font())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(LegendRow((self._tint, self._grouping), self._legend, self._note))
        session.runs.run_changed.connect(self.update_row)
        session.load_changed.connect(self.update_row)
        session.runs.tokens_added.connect(self._on_tokens)
        session.runs.questions.changed.connect(self.update_row)
        session.display.tint_changed.connect(self.update_row)
        session.recipe_changed.connect(self.update_row)
        self.update_row()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 — Qt's name
        super().showEvent(event)
        self.update_row()

    def update_row(self) -> None:
        """Show the choices, the legend and the note of the shown run."""
        if self.window().isVisible() and not self.isVisible():
            return  # the other of text and chat is shown
        run = self._session.runs.current
        self._some_given = run is not None and any(token.forced for token in run.tokens)
        tints = self._tints()
        self._some_saturated = tints is not None and tints.some_saturate
        self._scale = tints.scale if tints else None
        self._note.setText(self._describe(run) if run else "")
        pairs, display = shown_pairs(self._session), self._session.display
        tint = display.tint.of(len(pairs))
        about = tint_explanation(tint.measure, display.unit_of(tint.measure), alone=not pairs)
        self._tint.show_choice(tint_title(tint, pairs), about)
        self._grouping.show_choice(grouping_title(display.grouping))
        self._legend.show_tints(self._tints(), self._marks(run) if run else Marks())

    def _on_tokens(self, first: int) -> None:
        """Update the row if the tokens from index ``first`` on change it; most do not."""
        run = self._session.runs.current
        given = run is not None and any(token.forced for token in run.tokens[first:])
        if first == 0 or (given and not self._some_given) or self._outdated():
            self.update_row()

    def _outdated(self) -> bool:
        """Whether the scale was fitted to the text anew, or a first token is beyond it."""
        tints = self._tints()
        if tints is None:
            return False
        return tints.scale != self._scale or tints.some_saturate != self._some_saturated

    def _marks(self, run: Run) -> Marks:
        what_if = self._session.runs.questions.answer
        return Marks(
            flips=bool(run.pair_names),
            others=what_if is not None and what_if.run is run and bool(what_if.choices),
            given=not run.scored and self._some_given,
            saturated=self._some_saturated,
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
            FinishReason.CONTEXT: self.tr("context full: shorten the prompt to go on"),
            FinishReason.CANCELLED: self.tr("stopped"),
        }[run.finish_reason]
