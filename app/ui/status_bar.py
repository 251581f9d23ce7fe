"""Status bar: device, speed, memory and the current activity."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStatusBar, QWidget

from app.attribution.attribution import LOW_COVERAGE
from app.checkpoints.engine_options import LLAMA_CPP
from app.checkpoints.status import RoleInForce
from app.decoding.types import FinishReason
from app.history.records import first_words
from app.ui.drawing_pace import FIGURES
from app.ui.evaluate.evaluate_indicator import EvaluateIndicator
from app.ui.serve.serve_indicator import ServeIndicator
from app.ui.state.runs.run import Run
from app.ui.state.session import LoadState, Session
from app.ui.theme import SPACE
from app.ui.train.train_indicator import TrainIndicator
from app.ui.widgets.redraw_pace import RedrawPace
from app.ui.words.role_words import role_title
from app.ui.words.token_counts import token_count
from app.wording import quoted, size

_MOST_UNREAD = 24


def fill_status_bar(bar: QStatusBar, session: Session) -> None:
    """Add the figures, evaluations and trainings in progress, and the API server."""
    bar.addPermanentWidget(StatusBar(session), 1)
    bar.addPermanentWidget(EvaluateIndicator(session))
    bar.addPermanentWidget(TrainIndicator(session))
    bar.addPermanentWidget(ServeIndicator(session))
    bar.setContentsMargins(0, 0, SPACE, 0)
    bar.setSizeGripEnabled(False)


class StatusBar(QWidget):
    """Device, dtype, speed, number of tokens and memory at the left; the activity at the right."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._models = QLabel()
        self._speed = QLabel()
        self._drafts = QLabel()
        self._captures = QLabel()
        self._coverage = QLabel()
        self._tokens = QLabel()
        self._memory = QLabel()
        self._state = QLabel()
        self._pace = RedrawPace(FIGURES, self)
        self._pace.due.connect(self._update)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE + 4, 0, SPACE + 4, 0)
        layout.setSpacing(3 * SPACE)
        for label in (
            self._models,
            self._speed,
            self._drafts,
            self._captures,
            self._coverage,
            self._tokens,
            self._memory,
        ):
            layout.addWidget(label)
        layout.addStretch(1)
        layout.addWidget(self._state)
        self._in_order = (  # what is shown first where not all has room
            self._state,
            self._speed,
            self._models,
            self._coverage,
            self._memory,
            self._tokens,
            self._captures,
            self._drafts,
        )
        self._models.setToolTip(self.tr("Device and dtype of the base"))
        session.load_changed.connect(self._update)
        session.load_progressed.connect(self._update)
        session.serving.changed.connect(self._update)
        session.memory_use.changed.connect(self._show_memory)
        session.runs.run_changed.connect(self._update)
        session.runs.tokens_added.connect(self._on_tokens)
        self._update()

    def _on_tokens(self, first: int) -> None:
        if first == 0:
            self._update()
        else:
            self._pace.tokens_came()

    def _update(self) -> None:
        self._pace.drawn()
        session, run = self._session, self._session.runs.current
        roles = session.roles_in_force
        in_force = (roles[0].device, _dtype_of(roles[0])) if roles else ()
        self._models.setText(" · ".join(part for part in in_force if part))
        speed = run.tokens_per_second if run else None
        self._speed.setText(self.tr("{0} tokens/s").format(f"{speed:,.0f}") if speed else "")
        self._tokens.setText(token_count(len(run.tokens)) if run and run.tokens else "")
        self._show_drafts(run)
        self._show_captures(run)
        self._show_coverage(run)
        self._show_memory()
        self._state.setText(self._describe_state())
        self._fit()

    def _fit(self) -> None:
        """Show the most important texts that have room, each of them whole."""
        room = self.width() - 2 * (SPACE + 4)
        for label in self._in_order:
            room -= label.sizeHint().width() + 3 * SPACE if label.text() else 0
            label.setVisible(bool(label.text()) and (room >= 0 or label is self._state))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 — Qt's name
        super().resizeEvent(event)
        self._fit()

    def _show_memory(self) -> None:
        use = self._session.memory_use
        self._memory.setText(size(use.models) if use.models else "")
        self._memory.setToolTip(
            self.tr(
                "Main memory that the loaded models take now, measured. The program itself takes "
                "{0} more."
            ).format(size(use.program))
        )
        self._fit()

    def _show_drafts(self, run: Run | None) -> None:
        text = explanation = ""
        drafts = run.stats.speculation if run and run.stats else None
        if run and drafts and drafts.unrewindable:
            fixed = role_title(drafts.unrewindable, run.recipe)
            text = self.tr("Plain decoding: the {0} cannot rewind").format(fixed)
            explanation = self.tr(
                "This model has a recurrent state instead of a KV cache that can be "
                "shortened, so tokens cannot be drafted and verified."
            )
        elif run and run.stats and run.stats.skipped:
            skipped = run.stats.skipped
            text = self.tr("{0} tokens without pairs").format(f"{skipped.skipped:,}")
            explanation = self.tr(
                "The policy of α did not need the pairs there: {0} forward passes were skipped, "
                "and {1} tokens read later, in blocks. There are no drafts then."
            ).format(f"{skipped.passes:,}", f"{skipped.caught_up:,}")
        elif drafts and drafts.total.blocks:
            total = drafts.total
            text = self.tr("{0} tokens per forward pass").format(f"{total.mean_block:.1f}")
            explanation = self.tr(
                "Speculative decoding: {0} of the drafted tokens were accepted. Drafts do "
                "not change which tokens are sampled."
            ).format(f"{total.acceptance or 0:.0%}")
        self._drafts.setText(text)
        self._drafts.setToolTip(explanation)

    def _show_captures(self, run: Run | None) -> None:
        """Show the kinds of step that a GPU does not replay, since a replay would be wrong."""
        found = run.stats.captures if run and run.stats else None
        text = cost = ""
        if found and found.captured:
            cost = self.tr("{0} kinds of step captured and checked in {1} s").format(
                found.captured, f"{found.seconds:,.1f}"
            )
        if found and found.differing:
            text = self.tr("⚠ kinds of step uncaptured: {0}").format(len(found.differing))
            why = self.tr("Their replay differs from the uncaptured step, which is used instead:")
            self._captures.setToolTip("\n".join([cost, why, *found.differing]))
        self._captures.setText(text)
        self._speed.setToolTip(cost)

    def _show_coverage(self, run: Run | None) -> None:
        """Show the coverage, and the traffic with the server of a base behind an endpoint."""
        text = explanation = ""
        remote = run is not None and run.recipe.base.is_endpoint
        known = [token.attribution.coverage for token in run.tokens] if run else []
        coverages = [coverage for coverage in known if coverage is not None]
        if coverages:
            mean = sum(coverages) / len(coverages)
            low = mean < LOW_COVERAGE
            text = (self.tr("⚠ coverage {0}") if low else self.tr("coverage {0}")).format(
                f"{mean:.0%}"
            )
            explanation = (
                self.tr(
                    "The tokens that the server returned have {0} of the base's probability on "
                    "average, and {1} at least. No other token can be generated."
                )
                if remote
                else self.tr(
                    "The tokens that pairs of another tokenizer know exactly have {0} of the "
                    "base's probability on average, and {1} at least."
                )
            ).format(f"{mean:.1%}", f"{min(coverages):.1%}")
            explanation += self._other_shares(run)
            if low and remote:
                explanation += "\n" + self.tr(
                    "With all its tokens the base might have generated another text. If "
                    "the server allows it, request more log-probabilities."
                )
        traffic = run.stats.endpoint_usage if run and run.stats else None
        if coverages and traffic:
            text = self.tr("{0} · sent {1}, received {2} tokens").format(
                text, f"{traffic.sent:,}", f"{traffic.received:,}"
            )
            exchanged = self.tr("Requests: {0}, tokens sent: {1}, received: {2}, retries: {3}")
            counts = (traffic.requests, traffic.sent, traffic.received, traffic.retries)
            explanation += "\n" + exchanged.format(*(f"{count:,}" for count in counts))
            if traffic.retokenized:
                retokenized = self.tr(
                    "In {0} requests the server split the text into other tokens than the pair."
                )
                explanation += "\n" + retokenized.format(f"{traffic.retokenized:,}")
            if traffic.unmatched:
                names = ", ".join(quoted(item.token) for item in traffic.unmatched[:5])
                unmatched = self.tr("Returned tokens that are not in the pair's vocabulary: {0}")
                explanation += "\n" + unmatched.format(names)
        self._coverage.setText(text)
        self._coverage.setToolTip(explanation)

    def _other_shares(self, run: Run | None) -> str:
        """What pairs of another tokenizer know by the first piece alone, and what not at all."""
        explained = [token.attribution for token in run.tokens] if run else []
        shares = [
            (each.bounded, each.unknown)
            for each in explained
            if each.bounded is not None and each.unknown is not None
        ]
        if not shares:
            return ""
        bounded, unknown = (sum(column) / len(shares) for column in zip(*shares, strict=True))
        return "\n" + self.tr(
            "They know only the first piece of tokens with {0} of the probability, and nothing of "
            "tokens with {1}."
        ).format(f"{bounded:.1%}", f"{unknown:.1%}")

    def _describe_state(self) -> str:
        session, run = self._session, self._session.runs.current
        if session.load_state is LoadState.STARTING:
            return self.tr("Starting PyTorch …")
        if session.load_state is LoadState.LOADING:
            progress = session.load_progress.values()
            if any(item.proving for item in progress):
                return self.tr("Proving the models …")
            if any(item.packing for item in progress):
                return self.tr("Preparing the models for the CPU …")
            total = sum(item.total for item in progress)
            done = sum(item.done for item in progress)
            if not total:
                return self.tr("Checking the models …")
            return self.tr("Loading models: {0} of {1} MB").format(
                f"{done / 1e6:,.0f}", f"{total / 1e6:,.0f}"
            )
        if session.unfinished:
            return self.tr("The models do not go together yet")
        if session.load_state is LoadState.FAILED:
            return self.tr("The models are not loaded")
        if run and run.active and not run.prompt_tokens and session.serving.figures.client:
            return self.tr("Waiting for a request of another program …")
        if run and run.active:
            return self.tr("Generating …") if run.tokens else self.tr("Reading the prompt …")
        if run and run.unread_text:
            return self.tr("Stopped before “{0}” was read; Continue reads it").format(
                first_words(run.unread_text, _MOST_UNREAD)
            )
        by_hand = run and (run.scored or run.stepping)
        if run and run.finish_reason and not (by_hand and run.finish_reason is FinishReason.LENGTH):
            return {
                FinishReason.EOS: self.tr("Ended at the end-of-text token"),
                FinishReason.STOP: self.tr("Ended at a stop string"),
                FinishReason.LENGTH: self.tr("Ended at the token limit"),
                FinishReason.CONTEXT: self.tr("Ended: the context is full; shorten the prompt"),
                FinishReason.CANCELLED: self.tr("Stopped"),
            }[run.finish_reason]
        if session.load_state is LoadState.UNLOADED:
            return self.tr("The models are not loaded")
        return self.tr("Ready")


def _dtype_of(role: RoleInForce) -> str:
    """The dtype of a role, or how its file is quantized where llama.cpp reads it."""
    quantized = role.engine == LLAMA_CPP and role.quantization != "none"
    return role.quantization if quantized else role.dtype
