"""The API server as a program of its own: an engine with a recipe, served by uvicorn."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from types import FrameType

import uvicorn

from app.checkpoints.proof.proof_report import ProofMode
from app.checkpoints.spec import Recipe
from app.checkpoints.status import LoadProgress
from app.engine.controls import DEFAULT_PREFIX_BYTES
from app.engine.worker import EngineThread
from app.server.connections import (
    ACCEPTED_AT_ONCE,
    AcceptErrors,
    Connections,
    HttpOptions,
    LimitedProtocol,
    most_connections,
)
from app.server.fair_scheduling import FairScheduler
from app.server.listening import BACKLOG, Service
from app.server.request_queue import RequestQueue
from app.server.routes import make_application
from app.settings import PARALLEL_REQUESTS

_KEEP_ALIVE_SECONDS = 75
_GRACE_SECONDS, _SHUTDOWN_SECONDS = 3, 5
"""How long responses may take once the server ends, and after that everything else."""
_JOIN_SECONDS = 30.0


async def serve(
    service: Service,
    recipe: Recipe,
    listener: socket.socket,
    on_progress: Callable[[LoadProgress], None],
    on_ready: Callable[[], None],
    proof: ProofMode = ProofMode.KEPT,
    prefix_bytes: int = DEFAULT_PREFIX_BYTES,
    parallel: int = PARALLEL_REQUESTS,
) -> None:
    """Load a recipe and serve it until the process is asked to end.

    Args:
        service: Address, access rules and limits.
        recipe: The recipe.
        listener: The socket of :func:`app.server.listening.listen`.
        on_progress: Called while the recipe is loaded.
        on_ready: Called when requests are accepted.
        proof: Whether to compare the models with plain forward passes.
        prefix_bytes: Memory for keys and values of earlier texts.
        parallel: How many requests are decoded side by side.

    Raises:
        TuneshiftError: The recipe cannot be loaded.
    """
    async with own_engine(FairScheduler(slots=parallel), prefix_bytes) as queue:
        await queue.load(recipe, on_progress, proof)
        server = Server(queue, service)
        on_ready()
        await server.serve([listener])


@asynccontextmanager
async def own_engine(
    scheduler: FairScheduler | None = None, prefix_bytes: int = DEFAULT_PREFIX_BYTES
) -> AsyncIterator[RequestQueue]:
    """Start an engine and yield a request queue that is its only user."""
    thread = EngineThread(_nobody_reads, prefix_bytes)
    queue = RequestQueue(thread.new_client, scheduler)
    thread.start()
    try:
        yield queue
    finally:
        queue.close()
        thread.close()
        thread.join(_JOIN_SECONDS)


def _nobody_reads() -> None:
    """Ignore events for the engine's owner: here there is no owner besides the queue."""


class Server(uvicorn.Server):
    """A uvicorn server with the API over ``queue``.

    When it ends, current and waiting requests get status 503, or an error event in a stream.
    """

    def __init__(self, queue: RequestQueue, service: Service) -> None:
        limits = service.limits
        self._queue = queue
        self._connections = Connections(most_connections(limits.connections))
        options = HttpOptions(self._connections, limits.header_seconds)
        super().__init__(
            uvicorn.Config(
                make_application(queue, service.access, limits),
                http=partial(LimitedProtocol, options),  # type: ignore[arg-type]
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",  # clients cause warnings, such as for what is not HTTP
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=ACCEPTED_AT_ONCE,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End the server. SIGTERM asks for just that; SIGINT is raised again at the end."""
        if sig == signal.SIGTERM:
            self.should_exit = True
        else:
            super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        asyncio.get_running_loop().set_exception_handler(AcceptErrors())
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(BACKLOG)  # asyncio has set it to what it accepts at once

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End all requests with an error, and close the connections."""
        self._queue.close()
        self._connections.abort_incomplete()
        loop = asyncio.get_running_loop()
        last = loop.call_later(_GRACE_SECONDS, self._connections.abort_all)
        try:
            await super().shutdown(sockets)
        finally:
            last.cancel()
