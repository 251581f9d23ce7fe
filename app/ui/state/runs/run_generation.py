"""Generation of the window's runs: sends commands to the engine and adds tokens to the runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

from PySide6.QtCore import QObject, Signal

from app.checkpoints.spec import Recipe
from app.decoding.types import FinishReason
from app.engine.commands import Generate
from app.engine.controls import ReplayedAlphas
from app.engine.events import Event, Failed, RunFinished, RunStarted, TokenDecoded
from app.errors import TuneshiftError
from app.history.repeat import Repeatable
from app.ui.state.engine_requests import Requests
from app.ui.state.runs.run import Run


@dataclass(frozen=True, slots=True)
class Continuation:
    """How a run continues after the tokens that it has.

    Attributes:
        forced: Given tokens that come first, without sampling.
        text: Given text that follows them.
        limit: Maximum length of the run in tokens; None for that of the sampling settings.
        past_stop: Whether to ignore stop strings.
        replay: Alphas of each token; empty for those of the recipe.
        drafts: Whether to use speculative decoding; None for what the preferences say.
        past_turn: Whether to ignore the beginning of another turn of the conversation.
        fresh: Whether to read the prompt anew, so that logits are rounded as in other such runs.
    """

    forced: tuple[int, ...] = ()
    text: str = ""
    limit: int | None = None
    past_stop: bool = False
    replay: tuple[tuple[float, ...], ...] = ()
    drafts: bool | None = None
    past_turn: bool = False
    fresh: bool = False

    @classmethod
    def repeating(cls, wanted: Repeatable) -> Self:
        """A run of the history again: the same tokens, with the alphas of each."""
        return cls(
            wanted.given,
            limit=wanted.config.max_new_tokens,
            past_stop=wanted.config.stop != wanted.recipe.sampling.stop,
            replay=wanted.alphas,
            drafts=wanted.drafts,
            past_turn=wanted.past_turn,
            fresh=True,
        )

    @classmethod
    def scoring_again(cls, run: Run, pairs: int) -> Self:
        """All tokens of ``run`` as given ones, with the alphas of each if ``pairs`` are as many."""
        alphas = tuple(token.alphas for token in run.tokens)
        alike = run.role is None and all(len(each) == pairs for each in alphas)
        return cls(
            run.token_ids,
            limit=len(run.tokens),
            past_stop=True,
            replay=alphas if alike else (),
            past_turn=True,
            fresh=True,  # two such runs read the same blocks, and are rounded alike
        )


DEFAULT_CONTINUATION = Continuation()


class Generation(QObject):
    """The active runs.

    Args:
        requests: Sends commands to the engine.
        report: Shows an error.

    Attributes:
        drafts: Whether runs use speculative decoding, unless their continuation says.
    """

    began = Signal(object)
    """A run started, or continues from the tokens that it has."""
    decoded = Signal(object, list)
    """A run got tokens; the run and the events. At most once per frame for each run."""
    added = Signal(object, int)
    """A run got tokens; the run and the index of the first one. Emitted after ``decoded``."""
    progressed = Signal(object)
    """A run got tokens or ended."""
    ended = Signal(object)
    """A run ended."""

    def __init__(
        self,
        requests: Requests,
        report: Callable[[TuneshiftError, str], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._requests = requests
        self._report = report
        self.drafts = True
        self._active: dict[int, Run] = {}

    @property
    def running(self) -> bool:
        """Whether any run is active."""
        return bool(self._active)

    def ask(self, run: Run, recipe: Recipe, more: Continuation) -> None:
        """Start or continue ``run`` with the alphas and settings of ``recipe``."""
        run.start(recipe.alphas)
        run.unread_text = more.text
        run.drafts = self.drafts if more.drafts is None else more.drafts
        if more.replay:
            run.alphas = ReplayedAlphas(more.replay)
        sampling = recipe.sampling
        command = Generate(
            self._requests.new_id(),
            run.prompt,
            replace(
                sampling,
                max_new_tokens=sampling.max_new_tokens if more.limit is None else more.limit,
                stop=() if more.past_stop else sampling.stop,
            ),
            run.alphas,
            run.cancellation,
            run.token_ids,
            (*(token.token_id for token in run.unsettled), *more.forced),
            more.text,
            run.role,
            run.drafts,
            past_turn=more.past_turn,
            fresh=more.fresh,
            load=self._requests.load,
        )
        self._active[command.id] = run
        self.began.emit(run)
        self._requests.submit(command, partial(self._handle, command.id, run))

    def set_alphas(self, alphas: tuple[float, ...]) -> None:
        """Use these alphas from the next token of the active runs on."""
        for run in self._active.values():
            if run.role is None and len(run.alphas.latest) == len(alphas):
                run.alphas.set(alphas)

    def stop(self) -> None:
        """Stop all runs after their current token; the tokens so far are kept."""
        for run in self._active.values():
            run.cancellation.request()

    def drop(self, run: Run) -> None:
        """Stop one run and ignore its further events."""
        for id_ in [id_ for id_, other in self._active.items() if other is run]:
            run.cancellation.request()
            self._end(id_, FinishReason.CANCELLED)

    def abandon(self, error: TuneshiftError | None) -> None:
        """End runs that wait for models that failed to load; None if loading was cancelled."""
        for id_, run in list(self._active.items()):
            run.abandoned = True
            self._end(id_, None, error)

    def _handle(self, id_: int, run: Run, events: Sequence[Event]) -> None:
        """Handle the events of one run."""
        fresh: list[TokenDecoded] = []
        ending: RunFinished | Failed | None = None
        for event in events:
            if isinstance(event, TokenDecoded):
                fresh.append(run.add(event))
            elif isinstance(event, RunStarted):
                run.prompt_tokens = event.prompt_tokens
                run.thinking = event.thinking
            elif isinstance(event, RunFinished | Failed):
                ending = event
        if fresh:
            self.decoded.emit(run, fresh)
            self.added.emit(run, len(run.tokens) - len(fresh))
            self.progressed.emit(run)
        if ending and id_ in self._active:  # a slot may have dropped the run
            self._on_end(run, ending)

    def _on_end(self, run: Run, event: RunFinished | Failed) -> None:
        if isinstance(event, RunFinished):
            run.stats = event.stats
            self._end(event.id, event.finish_reason)
            return
        if event.error:
            self._report(event.error, event.details)  # before ``ended``, whose slots read the error
        self._end(event.id, None if event.error else FinishReason.CANCELLED, event.error)

    def _end(
        self, id_: int, reason: FinishReason | None, error: TuneshiftError | None = None
    ) -> None:
        self._requests.forget(id_)
        run = self._active.pop(id_)
        run.end(reason, error)
        self.progressed.emit(run)
        self.ended.emit(run)
