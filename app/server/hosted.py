"""The server over an engine that somebody else owns, on a thread of its own.

Nothing of the server's libraries is imported before the thread has started: they may be missing.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from app.engine.worker import EngineClient
from app.errors import SettingsError, TuneshiftError, unknown_error
from app.extras import install_hint
from app.server.listening import Service, listen, url_of
from app.server.server_events import Listening, Model, ServerEvent, Stopped

if TYPE_CHECKING:
    from app.server.request_queue import Desk
    from app.server.uvicorn_server import Server

log = logging.getLogger(__name__)


class HostedServer:
    """Listens and answers until :meth:`close`.

    Args:
        service: Where to answer whom.
        open_client: Opens the way to the engine; what it is given is called when there are events.
        tell: Hears how it goes, on the server's thread; the last is ``Stopped``.
    """

    def __init__(
        self,
        service: Service,
        open_client: Callable[[Callable[[], None]], EngineClient],
        tell: Callable[[ServerEvent], None],
    ) -> None:
        self._service = service
        self._open_client = open_client
        self._tell = tell
        self._changing = threading.Lock()  # over what other threads set before and while it runs
        self._model: Model | None = None
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._desk: Desk | None = None
        self._server: Server | None = None
        self._thread = threading.Thread(target=self._run, name="server")

    def start(self) -> None:
        """Begin; ``tell`` hears whether it could."""
        self._thread.start()

    def show(self, model: Model | None) -> None:
        """Serve this from now on, or nothing; see :meth:`app.server.request_queue.Desk.show`."""
        with self._changing:
            self._model = model
            if self._loop and self._desk:
                self._loop.call_soon_threadsafe(self._desk.show, model)

    def close(self) -> None:
        """End what is being answered, and listen no more; returns at once."""
        with self._changing:
            self._closing = True
            if self._loop:
                self._loop.call_soon_threadsafe(self._end)

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread to end; whether it has."""
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
        except Exception as defect:
            log.exception("the server failed")
            error = unknown_error(defect)
        self._tell(Stopped(error))

    async def _serve(self) -> None:
        from app.server.request_queue import Desk
        from app.server.uvicorn_server import Server

        with listen(self._service) as listener:
            desk = Desk(self._open_client, on_change=self._tell)
            try:
                server = Server(desk, self._service)
                self._begin(desk, server)
                self._tell(Listening(url_of(listener)))
                await server.serve([listener])
            finally:
                with self._changing:
                    self._loop = None
                desk.close()

    def _begin(self, desk: Desk, server: Server) -> None:
        with self._changing:
            self._loop, self._desk, self._server = asyncio.get_running_loop(), desk, server
            desk.show(self._model)
            server.should_exit = self._closing

    def _end(self) -> None:
        if self._desk and self._server:
            self._desk.close()
            self._server.should_exit = True
