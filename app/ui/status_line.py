"""The status bar: what runs where, how fast, and what is going on."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.decoding.types import FinishReason
from app.ui.role_words import role_title
from app.ui.run import Run
from app.ui.session import LoadState, Session
from app.ui.theme import SPACE


class StatusLine(QWidget):
    """Device, dtype, tokens per second, tokens and memory at the left; the state at the right."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._models = QLabel()
        self._speed = QLabel()
        self._drafts = QLabel()
        self._tokens = QLabel()
        self._memory = QLabel()
        self._state = QLabel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE + 4, 0, SPACE + 4, 0)
        layout.setSpacing(3 * SPACE)
        for label in (self._models, self._speed, self._drafts, self._tokens, self._memory):
            label.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
            layout.addWidget(label)
        layout.addStretch(1)
        layout.addWidget(self._state)
        self._models.setToolTip(self.tr("Device and dtype of the base"))
        self._memory.setToolTip(self.tr("Memory of the whole program"))
        session.load_changed.connect(self._update)
        session.runs.run_changed.connect(self._update)
        session.runs.tokens_added.connect(self._update)
        self._update()

    def _update(self) -> None:
        session, run = self._session, self._session.runs.current
        roles = session.roles_in_force
        self._models.setText(" · ".join((roles[0].device, roles[0].dtype)) if roles else "")
        speed = run.tokens_per_second if run else None
        self._speed.setText(self.tr("{0} tokens/s").format(f"{speed:.0f}") if speed else "")
        self._tokens.setText(
            self.tr("{0} tokens").format(f"{len(run.tokens):,}") if run and run.tokens else ""
        )
        self._show_drafts(run)
        memory = session.resident_bytes
        self._memory.setText(f"{memory / 1e6:,.0f} MB" if memory else "")
        self._state.setText(self._describe_state())

    def _show_drafts(self, run: Run | None) -> None:
        text = explanation = ""
        drafts = run.stats.speculation if run and run.stats else None
        if run and drafts and drafts.fixed:
            fixed = role_title(drafts.fixed, run.recipe)
            text = self.tr("Plain decoding: the {0} cannot rewind").format(fixed)
            explanation = self.tr(
                "It keeps a state that cannot go back, so no tokens can be read ahead of the text."
            )
        elif drafts and drafts.total.blocks:
            total = drafts.total
            text = self.tr("{0} tokens a block").format(f"{total.mean_block:.1f}")
            explanation = self.tr(
                "Speculative decoding: {0} of the drafted tokens that were reached were accepted. "
                "A draft makes no difference to what is drawn."
            ).format(f"{total.acceptance or 0:.0%}")
        self._drafts.setText(text)
        self._drafts.setToolTip(explanation)

    def _describe_state(self) -> str:
        session, run = self._session, self._session.runs.current
        if session.load_state is LoadState.STARTING:
            return self.tr("Starting torch …")
        if session.load_state is LoadState.LOADING:
            progress = session.load_progress.values()
            total = sum(item.total for item in progress)
            done = sum(item.done for item in progress)
            if not total:
                return self.tr("Checking the models …")
            return self.tr("Loading models: {0} of {1} MB").format(
                f"{done / 1e6:,.0f}", f"{total / 1e6:,.0f}"
            )
        if session.load_state is LoadState.FAILED:
            return self.tr("The models are not loaded")
        if run and run.active:
            return self.tr("Generating …") if run.tokens else self.tr("Reading the prompt …")
        by_hand = run and (run.scored or run.stepping)
        if run and run.finish_reason and not (by_hand and run.finish_reason is FinishReason.LENGTH):
            return {
                FinishReason.EOS: self.tr("The models ended the text"),
                FinishReason.STOP: self.tr("Ended at a stop string"),
                FinishReason.LENGTH: self.tr("Ended at the token limit"),
                FinishReason.CANCELLED: self.tr("Stopped"),
            }[run.finish_reason]
        return self.tr("Ready") if session.load_state is LoadState.LOADED else ""
