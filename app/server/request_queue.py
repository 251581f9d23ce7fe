"""Between the API and the engine: texts are asked for in turn, and their tokens handed on."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from app.checkpoints.conversation import Conversation, Prompt
from app.checkpoints.spec import Recipe
from app.checkpoints.status import LoadProgress
from app.decoding.types import FinishReason, GenerationConfig
from app.engine.commands import Command, Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.events import (
    EngineFailed,
    EngineReady,
    Event,
    Failed,
    Loaded,
    Loading,
    RunFinished,
    RunStarted,
    TokenDecoded,
)
from app.engine.worker import EngineClient
from app.errors import Cancelled, TuneshiftError, unknown_error
from app.server.api_errors import ApiError, defect, of_engine
from app.server.completion_tokens import Piece
from app.server.fair_scheduling import Turns
from app.server.server_events import Figures, Model

_AT_ONCE = 64
_RETRY_AFTER = "5"

Wake = Callable[[], None]
OpenClient = Callable[[Wake], EngineClient]
"""Opens a way to an engine; what it is given is called when there are events."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One text to be written.

    Attributes:
        client: Who asks for it.
        prompt: What it follows.
        config: The settings in force.
        alphas: The weight of each pair.
        piece: Makes of a token what is kept of it: rows of logits are large.
        loads: :attr:`Desk.loads` when it was asked for.
        echo: Whether the prompt is part of the answer.
    """

    client: str
    prompt: Prompt
    config: GenerationConfig
    alphas: tuple[float, ...]
    piece: Callable[[TokenDecoded], Piece]
    loads: int
    echo: bool = False

    @property
    def param(self) -> str:
        """The parameter of the API that the prompt was given by."""
        return "messages" if isinstance(self.prompt, Conversation) else "prompt"


@dataclass(frozen=True, slots=True)
class Started:
    """The prompt is encoded.

    Attributes:
        prompt_tokens: Its length for the base.
        head: Where it is echoed, the ids before the first piece.
    """

    prompt_tokens: int
    head: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """The text has ended."""

    reason: FinishReason


Progress = Started | Piece | Ended


class Desk:
    """Has an engine write text after text. Used on one event loop.

    The engine may be somebody else's: what it has in memory is told by :meth:`show`.

    Args:
        open_client: Opens the way to the engine.
        turns: Whose turn it is.
        on_change: Hears of the figures, at most once in a round of the loop.
    """

    def __init__(
        self,
        open_client: OpenClient,
        turns: Turns | None = None,
        on_change: Callable[[Figures], None] = lambda figures: None,
    ) -> None:
        self._turns = turns or Turns()
        self._loop = asyncio.get_running_loop()
        self._ids = itertools.count(1)
        self._receivers: dict[int, Callable[[Event], None]] = {}
        self._running: asyncio.Queue[Progress | ApiError] | None = None
        self._failed: EngineFailed | None = None
        self._on_change = on_change
        self._telling = False
        self._requests = self._texts = self._tokens = 0
        self._client = ""
        self._closing: ApiError | None = None
        self.model: Model | None = None
        """What is served, or None while nothing is loaded."""
        self.loads = 0
        """Grows when what was loaded goes: what was asked before is not for what comes."""
        self._line = open_client(self._wake)

    @property
    def figures(self) -> Figures:
        """What has been asked and answered so far."""
        return Figures(self._requests, self._texts, self._tokens, self._turns.waiting, self._client)

    def count_request(self) -> None:
        """Count one more request."""
        self._requests += 1
        self._changed()

    def show(self, model: Model | None) -> None:
        """Serve this from now on.

        Args:
            model: The same models with other weights or settings, for what is asked from now on; or
                None where they go, which ends what is being written and what waits with an error.
        """
        self.model = model
        if model is None:
            self.loads += 1
            self._interrupt(_changed_models())

    async def load(
        self, recipe: Recipe, on_progress: Callable[[LoadProgress], None] = lambda progress: None
    ) -> None:
        """Load the recipe that is served.

        Raises:
            TuneshiftError: It cannot be loaded.
        """
        events: asyncio.Queue[Event] = asyncio.Queue()
        cancellation = Cancellation()
        id_ = self._submit(lambda id_: Load(id_, recipe, cancellation), events.put_nowait)
        try:
            while True:
                event = await events.get()
                if isinstance(event, Loading):
                    on_progress(event.progress)
                elif isinstance(event, Loaded):
                    self.show(Model(event.recipe, event.token_labels))
                    return
                elif isinstance(event, Failed | EngineFailed):
                    raise event.error or unknown_error(Cancelled())
        finally:
            cancellation.request()
            self._receivers.pop(id_, None)

    async def write(self, job: Job) -> AsyncGenerator[Progress, None]:
        """Write one text when it is its turn; leaving the iteration cancels it.

        Raises:
            ApiError: It cannot be written, or too many texts wait.
        """
        self._changed()
        try:
            async with self._turns.take(job.client), aclosing(self._run(job)) as progress:
                async for item in progress:
                    yield item
        finally:
            self._changed()

    async def _run(self, job: Job) -> AsyncGenerator[Progress, None]:
        if self._closing:
            raise self._closing
        if job.loads != self.loads:
            raise _changed_models()
        progress: asyncio.Queue[Progress | ApiError] = asyncio.Queue()
        self._running, self._client = progress, job.client
        self._texts += 1
        self._changed()

        def receive(event: Event) -> None:
            item = _progress(event, job)
            if item is not None:
                progress.put_nowait(item)

        cancellation = Cancellation()
        id_ = self._submit(
            lambda id_: Generate(
                id_,
                job.prompt,
                job.config,
                LiveAlphas(job.alphas),
                cancellation,
                echo=job.echo,
            ),
            receive,
        )
        try:
            while True:
                item = await progress.get()
                if isinstance(item, ApiError):
                    raise item
                self._tokens += isinstance(item, Piece)
                yield item
                if isinstance(item, Ended):
                    return
        finally:
            cancellation.request()
            self._receivers.pop(id_, None)
            self._running, self._client = None, ""

    def close(self) -> None:
        """End what is being written and what waits, and hang up."""
        self._closing = closing()
        self._interrupt(self._closing)
        self._line.close()

    def _interrupt(self, error: ApiError) -> None:
        if self._running is not None:
            self._running.put_nowait(error)

    def _changed(self) -> None:
        if not self._telling:
            self._telling = True
            self._loop.call_soon(self._tell)

    def _tell(self) -> None:
        self._telling = False
        self._on_change(self.figures)

    def _submit(self, make: Callable[[int], Command], receive: Callable[[Event], None]) -> int:
        id_ = next(self._ids)
        self._receivers[id_] = receive
        if self._failed is not None:
            receive(self._failed)
        else:
            self._line.submit(make(id_))
        return id_

    def _wake(self) -> None:
        """On the engine's thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        events = self._line.outbox.drain(_AT_ONCE)
        for event in events:
            if isinstance(event, EngineFailed):
                self._failed = event
                for receive in list(self._receivers.values()):
                    receive(event)
            elif not isinstance(event, EngineReady):
                found = self._receivers.get(event.id)
                if found is not None:
                    found(event)
        if len(events) == _AT_ONCE:
            self._loop.call_soon(self._drain)


def _progress(event: Event, job: Job) -> Progress | ApiError | None:
    if isinstance(event, RunStarted):
        return Started(event.prompt_tokens[0], event.head)
    if isinstance(event, TokenDecoded):
        return job.piece(event)
    if isinstance(event, RunFinished):
        return Ended(event.finish_reason)
    if isinstance(event, Failed | EngineFailed):
        error: TuneshiftError | None = event.error
        if error is None or event.details:
            return defect()
        return of_engine(error, job.param)
    return None


def not_loaded() -> ApiError:
    """What to answer while no models are there."""
    return _unavailable("No models are loaded at the moment.", "model_not_loaded")


def closing() -> ApiError:
    """What to answer when the server ends."""
    return ApiError(503, "The server is closing.", "engine_error")


def _changed_models() -> ApiError:
    return _unavailable("Other models are being loaded; ask again.", "model_changed")


def _unavailable(message: str, code: str) -> ApiError:
    return ApiError(503, message, "engine_error", code=code, headers={"Retry-After": _RETRY_AFTER})
