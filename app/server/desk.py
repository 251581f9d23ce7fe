"""Between the API and the engine's thread: commands one way, events the other."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from app.checkpoints.conversation import Prompt
from app.checkpoints.spec import Recipe
from app.checkpoints.status import LoadProgress
from app.decoding.types import FinishReason, GenerationConfig
from app.engine.messages import (
    Cancellation,
    Command,
    EngineFailed,
    EngineReady,
    Event,
    Failed,
    Generate,
    LiveAlphas,
    Load,
    Loaded,
    Loading,
    RunFinished,
    RunStarted,
    TokenDecoded,
)
from app.engine.worker import EngineThread
from app.errors import Cancelled, TuneshiftError, unknown_error
from app.server.errors import ApiError, defect, of_engine
from app.server.pieces import Piece
from app.server.turns import Turns

_AT_ONCE = 64
_CLOSING = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One text to be written.

    Attributes:
        client: Who asks for it.
        prompt: What it follows.
        config: The settings in force.
        alphas: The weight of each pair.
        piece: Makes of a token what is kept of it: rows of logits are large.
    """

    client: str
    prompt: Prompt
    config: GenerationConfig
    alphas: tuple[float, ...]
    piece: Callable[[TokenDecoded], Piece]


@dataclass(frozen=True, slots=True)
class Started:
    """The prompt is encoded; ``prompt_tokens`` is its length for the base."""

    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The text has ended."""

    reason: FinishReason


Progress = Started | Piece | Ended


class Desk:
    """Has one engine write text after text. Used on one event loop."""

    def __init__(self, turns: Turns | None = None) -> None:
        self._turns = turns or Turns()
        self._loop = asyncio.get_running_loop()
        self._thread = EngineThread(self._wake)
        self._ids = itertools.count(1)
        self._receivers: dict[int, Callable[[Event], None]] = {}
        self._failed: EngineFailed | None = None
        self._closed = threading.Event()
        self.recipe: Recipe | None = None
        self.token_labels: tuple[str, ...] = ()
        self._thread.start()

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
                    self.recipe, self.token_labels = event.recipe, event.token_labels
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
        async with self._turns.take(job.client), aclosing(self._run(job)) as progress:
            async for item in progress:
                yield item

    async def _run(self, job: Job) -> AsyncGenerator[Progress, None]:
        progress: asyncio.Queue[Progress | ApiError] = asyncio.Queue()

        def receive(event: Event) -> None:
            item = _progress(event, job)
            if item is not None:
                progress.put_nowait(item)

        cancellation = Cancellation()
        id_ = self._submit(
            lambda id_: Generate(id_, job.prompt, job.config, LiveAlphas(job.alphas), cancellation),
            receive,
        )
        try:
            while True:
                item = await progress.get()
                if isinstance(item, ApiError):
                    raise item
                yield item
                if isinstance(item, Ended):
                    return
        finally:
            cancellation.request()
            self._receivers.pop(id_, None)

    def close(self) -> None:
        """Cancel everything and wait for the engine's thread to end."""
        self._closed.set()
        self._thread.close()
        self._thread.join(_CLOSING)

    def _submit(self, make: Callable[[int], Command], receive: Callable[[Event], None]) -> int:
        id_ = next(self._ids)
        self._receivers[id_] = receive
        if self._failed is not None:
            receive(self._failed)
        else:
            self._thread.submit(make(id_))
        return id_

    def _wake(self) -> None:
        """On the engine's thread."""
        if not self._closed.is_set():
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        events = self._thread.outbox.drain(_AT_ONCE)
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
        return Started(event.prompt_tokens[0])
    if isinstance(event, TokenDecoded):
        return job.piece(event)
    if isinstance(event, RunFinished):
        return Ended(event.finish_reason)
    if isinstance(event, Failed | EngineFailed):
        error: TuneshiftError | None = event.error
        if error is None or event.details:
            return defect()
        return of_engine(error)
    return None
