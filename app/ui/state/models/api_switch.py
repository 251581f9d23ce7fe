"""Switch of the API server in the window, which uses the window's engine; off by default."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from PySide6.QtCore import QObject, QSettings, Qt, Signal

from app.engine.worker import EngineClient
from app.errors import TuneshiftError
from app.server.access import DEFAULT_HOST, DEFAULT_PORT, Access
from app.server.hosted import HostedServer
from app.server.listening import Service
from app.server.server_events import Listening, ServedModel, ServerEvent, ServerStats, Stopped


class Served(Protocol):
    """The part of the session that the API server needs: loaded models and engine clients."""

    @property
    def model(self) -> ServedModel | None:
        """The loaded models with the current alphas and settings; None while none are loaded."""
        ...

    def open_client(self, wake: Callable[[], None]) -> EngineClient:
        """A client of the engine besides the window."""
        ...


class ServeState(StrEnum):
    """State of the API server."""

    OFF = "off"
    STARTING = "starting"
    ON = "on"
    STOPPING = "stopping"


class Serving(QObject):
    """Starts and stops the API server, which serves the loaded models.

    Args:
        served: The session; it calls :meth:`show_model` when the loaded models change.
    """

    changed = Signal()
    """``state``, ``url``, ``figures`` or ``problem`` changed."""
    _told = Signal(object)
    """An event of the server; emitted on the server's thread."""

    def __init__(self, served: Served, parent: QObject) -> None:
        super().__init__(parent)
        self._served = served
        self._server: HostedServer | None = None
        self._closing = False
        self.host, self.port = DEFAULT_HOST, DEFAULT_PORT
        self.key = ""
        """API key that clients must send; never stored."""
        self.state = ServeState.OFF
        self.url = ""
        self.figures = ServerStats()
        self.problem: TuneshiftError | None = None
        self._told.connect(self._handle, Qt.ConnectionType.QueuedConnection)

    @property
    def on(self) -> bool:
        """Whether the server is answering."""
        return self.state is ServeState.ON

    def set_address(self, host: str, port: int, key: str) -> None:
        """Set address and API key of the next start."""
        self.host, self.port, self.key = host, port, key

    def start(self) -> None:
        """Start the server; ``changed`` announces success or failure."""
        if self._server or self._closing:
            return
        self.problem, self.figures = None, ServerStats()
        service = Service(Access(self.host, self.key), self.port)
        self._server = HostedServer(service, self._served.open_client, self._told.emit)
        self._server.set_model(self._served.model)
        self._server.start()
        self._set_state(ServeState.STARTING)

    def stop(self) -> None:
        """Cancel the running requests and stop the server."""
        if self._server:
            self._server.close()
            self._set_state(ServeState.STOPPING)

    def close(self) -> None:
        """Stop the server permanently, because the window is closing."""
        self._closing = True
        if self._server:
            self._server.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the server's thread to end; whether it has ended."""
        return self._server is None or self._server.join(timeout)

    def restore(self, store: QSettings) -> None:
        """Load the saved address; does not start the server."""
        self.host = str(store.value("serve/host", self.host))
        port = str(store.value("serve/port", self.port))
        self.port = int(port) if port.isdecimal() and int(port) < 65536 else self.port

    def remember(self, store: QSettings) -> None:
        """Save the address for :meth:`restore`, without the key."""
        store.setValue("serve/host", self.host)
        store.setValue("serve/port", self.port)

    def show_model(self) -> None:
        """Inform the server about the loaded models."""
        if self._server:
            self._server.set_model(self._served.model)

    def _handle(self, event: ServerEvent) -> None:
        if isinstance(event, ServerStats):
            self.figures = event
            self.changed.emit()
        elif isinstance(event, Listening):
            self.url = event.url
            if self.state is ServeState.STARTING:  # unless stopped during the start
                self._set_state(ServeState.ON)
        elif isinstance(event, Stopped) and self._server:
            self._server.join()  # returns soon: this is the last event of the thread
            self._server = None
            self.url, self.problem = "", event.error
            self._set_state(ServeState.OFF)

    def _set_state(self, state: ServeState) -> None:
        self.state = state
        self.changed.emit()
