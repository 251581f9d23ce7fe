"""Listening: a socket, the engine with its recipe, and uvicorn between them."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

import uvicorn

from app.checkpoints.spec import Recipe
from app.checkpoints.status import LoadProgress
from app.errors import SettingsError
from app.server.application import make_application
from app.server.desk import Desk
from app.server.guard import Access, Limits

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8642
_KEEP_ALIVE, _LAST_WORDS = 75, 3
_BACKLOG = 512


@dataclass(frozen=True, slots=True)
class Service:
    """What is served to whom.

    Attributes:
        recipe: What is loaded.
        access: Who may ask.
        port: Where to listen; 0 is any that is free.
        limits: What a request may take.
    """

    recipe: Recipe
    access: Access
    port: int = DEFAULT_PORT
    limits: Limits = field(default_factory=Limits)


def listen(service: Service) -> socket.socket:
    """A socket at the address of ``service``.

    Raises:
        SettingsError: It cannot be listened at, or others than this machine could ask without a
            key.
    """
    access, port = service.access, service.port
    if not (access.is_local or access.key):
        raise SettingsError(
            f"At {access.host} others than this machine can ask, so a key is needed",
            next_step="Set --api-key-file or the environment variable TUNESHIFT_SERVE_KEY.",
        )
    if port not in range(65536):
        raise SettingsError("A port is a number from 0 to 65535", evidence=f"it is {port}")
    try:
        family = socket.getaddrinfo(access.host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((access.host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        raise SettingsError(
            f"{access.host} port {port} cannot be listened at",
            evidence="another program listens there" if taken else str(error),
            next_step="Choose another --port." if taken else "Check --host and --port.",
        ) from error


async def serve(
    service: Service,
    listener: socket.socket,
    on_progress: Callable[[LoadProgress], None],
    on_ready: Callable[[], None],
) -> None:
    """Load the recipe and answer until the process is asked to end.

    Args:
        service: What is served to whom.
        listener: Of :func:`listen`.
        on_progress: Called as the recipe is loaded.
        on_ready: Called when requests are answered.

    Raises:
        TuneshiftError: The recipe cannot be loaded.
    """
    desk = Desk()
    try:
        await desk.load(service.recipe, on_progress)
        application = make_application(desk, service.recipe, service.access, service.limits)
        server = Server(application)
        on_ready()
        await server.serve([listener])
    finally:
        desk.close()


class Server(uvicorn.Server):
    """uvicorn for an application of this package."""

    def __init__(self, application: object) -> None:
        super().__init__(
            uvicorn.Config(
                application,  # type: ignore[arg-type]
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
