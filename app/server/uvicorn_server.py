"""The server by itself: an engine of its own with a recipe, and uvicorn before it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn

from app.checkpoints.spec import Recipe
from app.checkpoints.status import LoadProgress
from app.engine.worker import EngineThread
from app.server.fair_scheduling import Turns
from app.server.listening import Service
from app.server.request_queue import Desk
from app.server.routes import make_application

_KEEP_ALIVE, _LAST_WORDS = 75, 3
_PATIENCE = 30.0


async def serve(
    service: Service,
    recipe: Recipe,
    listener: socket.socket,
    on_progress: Callable[[LoadProgress], None],
    on_ready: Callable[[], None],
) -> None:
    """Load the recipe and answer until the process is asked to end.

    Args:
        service: Who is answered.
        recipe: What is loaded.
        listener: Of :func:`app.server.listening.listen`.
        on_progress: Called as the recipe is loaded.
        on_ready: Called when requests are answered.

    Raises:
        TuneshiftError: The recipe cannot be loaded.
    """
    async with own_engine() as desk:
        await desk.load(recipe, on_progress)
        server = Server(desk, service)
        on_ready()
        await server.serve([listener])


@asynccontextmanager
async def own_engine(turns: Turns | None = None) -> AsyncIterator[Desk]:
    """A desk with an engine that nobody else asks."""
    thread = EngineThread(_nobody_reads)
    desk = Desk(thread.new_client, turns)
    thread.start()
    try:
        yield desk
    finally:
        desk.close()
        thread.close()
        thread.join(_PATIENCE)


def _nobody_reads() -> None:
    """Of what the engine tells its owner: that it has started."""


class Server(uvicorn.Server):
    """uvicorn with the API over what ``desk`` serves."""

    def __init__(self, desk: Desk, service: Service) -> None:
        super().__init__(
            uvicorn.Config(
                make_application(desk, service.access, service.limits),
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=_LAST_WORDS,
            )
        )
