"""The API server on a thread of its own, over an engine with another owner (the window).

Server libraries are imported on that thread only, because they may not be installed.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from app.engine.worker import EngineClient
from app.errors import SettingsError, TuneshiftError, kind_and_places, unknown_error
from app.extras import install_hint
from app.server.listening import Service, listen, url_of
from app.server.server_events import Listening, ServedModel, ServerEvent, Stopped

if TYPE_CHECKING:
    from app.server.request_queue import RequestQueue
    from app.server.uvicorn_server import Server

log = logging.getLogger(__name__)


class HostedServer:
    """Serves requests on its own thread, from :meth:`start` until :meth:`close`.

    Args:
        service: Address, access rules and limits.
        open_client: Opens a connection to the engine; its argument is called when events arrive.
        on_event: Called on the server's thread with each event; the last event is ``Stopped``.
    """

    def __init__(
        self,
        service: Service,
        open_client: Callable[[Callable[[], None]], EngineClient],
        on_event: Callable[[ServerEvent], None],
    ) -> None:
        self._service = service
        self._open_client = open_client
        self._on_event = on_event
        self._lock = threading.Lock()  # guards the fields below, which several threads use
        self._model: ServedModel | None = None
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: RequestQueue | None = None
        self._server: Server | None = None
        self._thread = threading.Thread(target=self._run, name="server")

    def start(self) -> None:
        """Start the thread. ``on_event`` receives ``Listening``, or ``Stopped`` with an error."""
        self._thread.start()

    def set_model(self, model: ServedModel | None) -> None:
        """Change the served model; None if no model is loaded. May be called on any thread."""
        with self._lock:
            self._model = model
            if self._loop and self._queue:
                self._loop.call_soon_threadsafe(self._queue.set_model, model)

    def close(self) -> None:
        """Begin to shut down: stop listening and end current responses. Returns immediately."""
        with self._lock:
            self._closing = True
            if self._loop:
                self._loop.call_soon_threadsafe(self._end)

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread; returns whether it has ended."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        error: TuneshiftError | None = None
        try:
            asyncio.run(self._serve())
        except TuneshiftError as known:
            error = known
        except ImportError as missing:
            error = SettingsError(
                "The server is not installed",
                evidence=str(missing),
                next_step=install_hint("serve"),
            )
        except Exception as unexpected:
            log.error("the server failed\n%s", kind_and_places(unexpected))
            error = unknown_error(unexpected)
        self._on_event(Stopped(error))

    async def _serve(self) -> None:
        from app.server.request_queue import RequestQueue
        from app.server.uvicorn_server import Server

        with listen(self._service) as listener:
            queue = RequestQueue(self._open_client, on_change=self._on_event)
            try:
                server = Server(queue, self._service)
                self._begin(queue, server)
                self._on_event(Listening(url_of(listener)))
                await server.serve([listener])
            finally:
                with self._lock:
                    self._loop = None
                queue.close()

    def _begin(self, queue: RequestQueue, server: Server) -> None:
        with self._lock:
            self._loop, self._queue, self._server = asyncio.get_running_loop(), queue, server
            queue.set_model(self._model)
            server.should_exit = self._closing

    def _end(self) -> None:
        if self._queue and self._server:
            self._queue.close()
            self._server.should_exit = True
