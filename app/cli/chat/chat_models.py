"""The models of ``tuneshift chat``: loading them, and their answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.checkpoints.conversation import Conversation
from app.checkpoints.proof.proof_report import ProofMode
from app.checkpoints.spec import Recipe
from app.cli.chat.chat_history import ChatHistory
from app.cli.interrupting import call_on_interrupt
from app.cli.output import OutputClosedError
from app.cli.progress_line import ProgressLine, progress_text
from app.decoding.thinking import UNKNOWN_THINKING, Kind, ThinkingSplitter
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.events import Event, Failed, Loaded, Loading, RunFinished, RunStarted, TokenDecoded
from app.errors import TuneshiftError
from app.history.records import NewRun, new_run_id

if TYPE_CHECKING:
    from app.engine.engine import Engine

_LOAD, _RUN = 1, 2


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer.

    Attributes:
        text: Its text, without what the model thought before it.
        run_id: Its id in the history; empty if it is not stored.
        prompt_tokens: Length of the base's prompt.
        finished: Its finish reason and its figures.
    """

    text: str
    run_id: str
    prompt_tokens: int
    finished: RunFinished


class ChatModels:
    """The loaded models of a recipe.

    Args:
        history: Where answers are stored; None stores nothing.
        speculate: Whether to use speculative decoding.
    """

    def __init__(self, history: ChatHistory | None, *, speculate: bool) -> None:
        self._history = history
        self._speculate = speculate
        self._engine: Engine | None = None
        self._receive: Callable[[Event], None] = lambda event: None

    def load(self, recipe: Recipe, proof: ProofMode, progress: ProgressLine) -> Loaded | None:
        """Load the models; None if Ctrl+C was pressed.

        Raises:
            TuneshiftError: The recipe cannot be loaded.
        """
        progress.show("Starting …")
        from app.engine.engine import Engine  # imports torch: seconds

        self._engine = Engine(lambda event: self._receive(event))
        errors: list[TuneshiftError] = []
        loaded: list[Loaded] = []

        def receive(event: Event) -> None:
            if isinstance(event, Loading):
                progress.show(progress_text(event.progress))
            elif isinstance(event, Loaded):
                loaded.append(event)
            elif isinstance(event, Failed) and event.error:
                errors.append(event.error)

        cancellation = Cancellation()
        self._receive = receive
        with call_on_interrupt(cancellation.request):
            self._engine.handle(Load(_LOAD, recipe, cancellation, proof=proof))
        progress.clear()
        if errors:
            raise errors[0]
        if self._history and loaded:
            self._history.loaded = loaded[0]
        return loaded[0] if loaded else None

    def answer(
        self,
        asked: Conversation,
        recipe: Recipe,
        follows: str,
        write: Callable[[Kind, str], None],
    ) -> Answer:
        """Answer the last message of a conversation; Ctrl+C stops the answer and keeps it.

        Args:
            asked: The conversation.
            recipe: The recipe with its alphas and sampling settings.
            follows: The id of the run with the answer before; empty if there is none.
            write: Called with each part of the text; its exception is raised again at the end.

        Raises:
            TuneshiftError: The conversation cannot be answered.
        """
        assert self._engine, "load() comes before"
        run = NewRun(
            new_run_id(), asked, recipe, recipe.sampling, drafts=self._speculate, follows=follows
        )
        stored = self._history.begin(run) if self._history else None
        reading = _Reading(write, stored)
        self._receive = reading.receive
        command = Generate(
            _RUN,
            asked,
            recipe.sampling,
            LiveAlphas(recipe.alphas),
            reading.cancellation,
            speculate=self._speculate,
        )
        with call_on_interrupt(reading.cancellation.request):
            self._engine.handle(command)
        finished = reading.finish()
        return Answer(reading.text, run.id if stored else "", reading.prompt_tokens, finished)


class _Reading:
    """The events of one answer."""

    def __init__(
        self, write: Callable[[Kind, str], None], store: Callable[[Event], None] | None
    ) -> None:
        self._write = write
        self._store = store
        self._splitter = ThinkingSplitter(UNKNOWN_THINKING)
        self._error: Exception | None = None
        self._finished: RunFinished | None = None
        self.cancellation = Cancellation()
        self.text = ""
        self.prompt_tokens = 0

    def receive(self, event: Event) -> None:
        if self._store:
            self._store(event)
        if isinstance(event, RunStarted):
            self._splitter = ThinkingSplitter(event.thinking)
            self.prompt_tokens = event.prompt_tokens[0]
        elif isinstance(event, TokenDecoded):
            self._show(self._splitter.push(event.step.text))
        elif isinstance(event, RunFinished):
            self._finished = event
            self._show(self._splitter.finish())
        elif isinstance(event, Failed):
            self._error = self._error or event.error

    def finish(self) -> RunFinished:
        """The end of the run.

        Raises:
            TuneshiftError: The run failed.
            KeyboardInterrupt: It was cancelled before it began.
        """
        if self._error:
            raise self._error
        if self._finished is None:
            raise KeyboardInterrupt
        return self._finished

    def _show(self, parts: Iterable[tuple[Kind, str]]) -> None:
        """Write parts of the text; an exception ends the run, and not the engine."""
        try:
            for kind, part in parts:
                if kind is Kind.ANSWER:
                    self.text += part
                if self._error is None:
                    self._write(kind, part)
        except OutputClosedError as error:
            self._error = error
            self.cancellation.request()
