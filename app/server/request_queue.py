"""The queue between the API and the engine: a few generations at once, fair among clients."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from app.checkpoints.conversation import Conversation, Prompt
from app.checkpoints.proof.proof_report import ProofMode
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
from app.server.api_errors import ApiError, from_engine_error, internal_error
from app.server.completion_tokens import CompletionToken
from app.server.fair_scheduling import FairScheduler
from app.server.server_events import ServedModel, ServerStats
from app.server.server_metrics import GenerationTimes, Metrics

_MAX_DRAINED = 64
_RETRY_AFTER = "5"

Wake = Callable[[], None]
OpenClient = Callable[[Wake], EngineClient]
"""Opens a connection to an engine. The argument is called on its thread when events arrive."""


@dataclass(frozen=True, slots=True, eq=False)
class CompletionJob:
    """One choice of a request: a prompt and its settings.

    Attributes:
        client: Identifier of the client, for fair scheduling.
        prompt: The prompt.
        config: The sampling settings.
        alphas: The alpha of each pair, [P].
        make_token: Extracts what the response needs from an engine event, so that the large rows of
            logits can be freed.
        model_epoch: :attr:`RequestQueue.model_epoch` at the time of the request.
        echo: Whether the response includes the prompt.
        keep_rows: Whether ``make_token`` needs the rows of logits.
        fresh: Whether to read the prompt anew even if it was read before.
    """

    client: str
    prompt: Prompt
    config: GenerationConfig
    alphas: tuple[float, ...]
    make_token: Callable[[TokenDecoded], CompletionToken]
    model_epoch: int
    echo: bool = False
    keep_rows: bool = False
    fresh: bool = False

    @property
    def param(self) -> str:
        """The request parameter that contains the prompt."""
        return "messages" if isinstance(self.prompt, Conversation) else "prompt"


@dataclass(frozen=True, slots=True)
class Started:
    """The prompt has been encoded.

    Attributes:
        prompt_tokens: Length of the prompt in tokens of the base.
        unscored_ids: For an echoed prompt, the token ids before the first scored token.
    """

    prompt_tokens: int
    unscored_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """The generation has ended.

    Attributes:
        reason: The finish reason.
        cached_tokens: Tokens of the prompt that had been read before.
    """

    reason: FinishReason
    cached_tokens: int = 0


Progress = Started | CompletionToken | Finished


class RequestQueue:
    """Runs generation jobs on an engine, some side by side. Must be used on one event loop.

    The engine may have another owner, such as the window; the owner calls :meth:`set_model` when
    the loaded models change.

    Args:
        open_client: Opens the connection to the engine.
        scheduler: Decides which client is next.
        on_change: Called with new statistics, at most once per iteration of the event loop.
    """

    def __init__(
        self,
        open_client: OpenClient,
        scheduler: FairScheduler | None = None,
        on_change: Callable[[ServerStats], None] = lambda stats: None,
    ) -> None:
        self._scheduler = scheduler or FairScheduler()
        self._loop = asyncio.get_running_loop()
        self._ids = itertools.count(1)
        self._receivers: dict[int, Callable[[Event], None]] = {}
        self._running: dict[asyncio.Queue[Progress | ApiError], str] = {}  # to clients
        self._failed: EngineFailed | None = None
        self._on_change = on_change
        self._notify_scheduled = False
        self._requests = self._started = self._tokens = 0
        self._close_error: ApiError | None = None
        self.metrics = Metrics()
        self.model: ServedModel | None = None
        """The served model, or None while nothing is loaded."""
        self.model_epoch = 0
        """Incremented when models are unloaded; jobs of an earlier epoch are rejected."""
        self._engine = open_client(self._wake)

    @property
    def stats(self) -> ServerStats:
        """Current counts of requests, generations and tokens."""
        clients = list(self._running.values())
        return ServerStats(
            self._requests,
            self._started,
            self._tokens,
            self._scheduler.waiting,
            len(clients),
            clients[-1] if clients else "",
        )

    @property
    def parallel(self) -> int:
        """How many generations may run at once."""
        return self._scheduler.slots

    def count_request(self) -> None:
        """Add one request to the statistics."""
        self._requests += 1
        self._notify_soon()

    def set_model(self, model: ServedModel | None) -> None:
        """Change the served model.

        Args:
            model: The loaded models with new default alphas or settings, which apply to later
                requests; or None if the models are unloaded, which ends current and waiting jobs
                with an error.
        """
        self.model = model
        if model is None:
            self.model_epoch += 1
            self._interrupt(_model_changed())

    async def load(
        self,
        recipe: Recipe,
        on_progress: Callable[[LoadProgress], None] = lambda progress: None,
        proof: ProofMode = ProofMode.KEPT,
    ) -> None:
        """Load a recipe and serve it.

        Raises:
            TuneshiftError: The recipe cannot be loaded.
        """
        events: asyncio.Queue[Event] = asyncio.Queue()
        cancellation = Cancellation()
        id_ = self._submit(
            lambda id_: Load(id_, recipe, cancellation, proof=proof), events.put_nowait
        )
        try:
            while True:
                event = await events.get()
                if isinstance(event, Loading):
                    on_progress(event.progress)
                elif isinstance(event, Loaded):
                    self.set_model(ServedModel(event.recipe, event))
                    return
                elif isinstance(event, Failed | EngineFailed):
                    raise event.error or unknown_error(Cancelled())
        finally:
            cancellation.request()
            self._receivers.pop(id_, None)

    async def generate(
        self, job: CompletionJob, *, further: bool = False
    ) -> AsyncGenerator[Progress, None]:
        """Wait for a slot, then generate one choice. Closing the generator cancels the generation.

        Args:
            job: The choice.
            further: Whether it is not the first choice of its request, so that it may always wait.

        Raises:
            ApiError: The generation fails, or too many jobs are waiting.
        """
        self._notify_soon()
        times = self.metrics.begin()
        try:
            async with (
                self._scheduler.slot(job.client, further=further),
                aclosing(self._run(job)) as progress,
            ):
                async for item in progress:
                    _count(item, times)
                    yield item
        except ApiError:
            times.fail()
            raise
        finally:
            times.close()
            self._notify_soon()

    async def _run(self, job: CompletionJob) -> AsyncGenerator[Progress, None]:
        if self._close_error:
            raise self._close_error
        if job.model_epoch != self.model_epoch:
            raise _model_changed()
        progress: asyncio.Queue[Progress | ApiError] = asyncio.Queue()
        self._running[progress] = job.client
        self._started += 1
        self._notify_soon()

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
                keep_rows=job.keep_rows,
                fresh=job.fresh,
                beside=True,
            ),
            receive,
        )
        try:
            while True:
                item = await progress.get()
                if isinstance(item, ApiError):
                    raise item
                self._tokens += isinstance(item, CompletionToken)
                yield item
                if isinstance(item, Finished):
                    return
        finally:
            cancellation.request()
            self._receivers.pop(id_, None)
            del self._running[progress]

    def close(self) -> None:
        """End current and waiting jobs with an error, and disconnect from the engine."""
        self._close_error = closing()
        self._interrupt(self._close_error)
        self._engine.close()

    def _interrupt(self, error: ApiError) -> None:
        for progress in self._running:
            progress.put_nowait(error)

    def _notify_soon(self) -> None:
        if not self._notify_scheduled:
            self._notify_scheduled = True
            self._loop.call_soon(self._notify)

    def _notify(self) -> None:
        self._notify_scheduled = False
        self._on_change(self.stats)

    def _submit(self, make: Callable[[int], Command], receive: Callable[[Event], None]) -> int:
        id_ = next(self._ids)
        self._receivers[id_] = receive
        if self._failed is not None:
            receive(self._failed)
        else:
            self._engine.submit(make(id_))
        return id_

    def _wake(self) -> None:
        """Schedule draining of the outbox. Called on the engine's thread."""
        with contextlib.suppress(RuntimeError):  # the loop has already been closed
            self._loop.call_soon_threadsafe(self._drain_outbox)

    def _drain_outbox(self) -> None:
        events = self._engine.outbox.drain(_MAX_DRAINED)
        for event in events:
            if isinstance(event, EngineFailed):
                self._failed = event
                for receive in list(self._receivers.values()):
                    receive(event)
            elif not isinstance(event, EngineReady):
                found = self._receivers.get(event.id)
                if found is not None:
                    found(event)
        if len(events) == _MAX_DRAINED:
            self._loop.call_soon(self._drain_outbox)


def _count(item: Progress, times: GenerationTimes) -> None:
    if isinstance(item, Started):
        times.add_prompt(item.prompt_tokens)
    elif isinstance(item, Finished):
        times.finish(item.cached_tokens)
    else:
        times.add_token()


def _progress(event: Event, job: CompletionJob) -> Progress | ApiError | None:
    if isinstance(event, RunStarted):
        return Started(event.prompt_tokens[0], event.head)
    if isinstance(event, TokenDecoded):
        return job.make_token(event)
    if isinstance(event, RunFinished):
        return Finished(event.finish_reason, event.stats.cached_tokens)
    if isinstance(event, Failed | EngineFailed):
        error: TuneshiftError | None = event.error
        if error is None or event.details:
            return internal_error()
        return from_engine_error(error, job.param)
    return None


def not_loaded() -> ApiError:
    """The error for requests while no models are loaded."""
    return _unavailable("No models are loaded.", "model_not_loaded")


def closing() -> ApiError:
    """The error for requests when the server shuts down."""
    return ApiError(503, "The server is shutting down.", "engine_error")


def _model_changed() -> ApiError:
    return _unavailable("Other models are being loaded; retry the request.", "model_changed")


def _unavailable(message: str, code: str) -> ApiError:
    return ApiError(503, message, "engine_error", code=code, headers={"Retry-After": _RETRY_AFTER})
