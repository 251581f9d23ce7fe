"""The API of the window: off until a person switches it on, and over the window's own engine."""

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
    """What the API needs of the window: its models and a way to their engine."""

    @property
    def model(self) -> ServedModel | None:
        """What is in memory, with the weights and settings in force; None while nothing is."""
        ...

    def open_client(self, wake: Callable[[], None]) -> EngineClient:
        """A way to the engine for others than the window."""
        ...


class ServeState(StrEnum):
    """Where the API stands."""

    OFF = "off"
    STARTING = "starting"
    ON = "on"
    STOPPING = "stopping"


class Serving(QObject):
    """Switches the API on and off, and serves what is loaded and set in the window.

    Args:
        served: The session; it calls :meth:`show_model` when what it has in memory changed.
    """

    changed = Signal()
    """``state``, ``url``, ``figures`` or ``problem`` changed."""
    _told = Signal(object)
    """Emitted on the server's thread."""

    def __init__(self, served: Served, parent: QObject) -> None:
        super().__init__(parent)
        self._served = served
        self._server: HostedServer | None = None
        self._closing = False
        self.host, self.port = DEFAULT_HOST, DEFAULT_PORT
        self.key = ""
        """What clients have to show; kept in memory alone."""
        self.state = ServeState.OFF
        self.url = ""
        self.figures = ServerStats()
        self.problem: TuneshiftError | None = None
        self._told.connect(self._hear, Qt.ConnectionType.QueuedConnection)

    @property
    def on(self) -> bool:
        """Whether it is answering."""
        return self.state is ServeState.ON

    def set_address(self, host: str, port: int, key: str) -> None:
        """Where to listen and what clients have to show, from the next start on."""
        self.host, self.port, self.key = host, port, key

    def start(self) -> None:
        """Listen and answer; ``changed`` says when, or why not."""
        if self._server or self._closing:
            return
        self.problem, self.figures = None, ServerStats()
        service = Service(Access(self.host, self.key), self.port)
        self._server = HostedServer(service, self._served.open_client, self._told.emit)
        self._server.set_model(self._served.model)
        self._server.start()
        self._set_state(ServeState.STARTING)

    def stop(self) -> None:
        """End what is being answered and listen no more."""
        if self._server:
            self._server.close()
            self._set_state(ServeState.STOPPING)

    def close(self) -> None:
        """Stop for good: the window is closing."""
        self._closing = True
        if self._server:
            self._server.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the server's thread; whether it has ended."""
        return self._server is None or self._server.join(timeout)

    def restore(self, memory: QSettings) -> None:
        """Take the remembered address; it is never on by itself."""
        self.host = str(memory.value("serve/host", self.host))
        port = str(memory.value("serve/port", self.port))
        self.port = int(port) if port.isdecimal() and int(port) < 65536 else self.port

    def remember(self, memory: QSettings) -> None:
        """Write down what :meth:`restore` reads: not the key."""
        memory.setValue("serve/host", self.host)
        memory.setValue("serve/port", self.port)

    def show_model(self) -> None:
        """Tell the server what is in memory now."""
        if self._server:
            self._server.set_model(self._served.model)

    def _hear(self, event: ServerEvent) -> None:
        if isinstance(event, ServerStats):
            self.figures = event
            self.changed.emit()
        elif isinstance(event, Listening):
            self.url = event.url
            if self.state is ServeState.STARTING:  # it may have been stopped meanwhile
                self._set_state(ServeState.ON)
        elif isinstance(event, Stopped) and self._server:
            self._server.join()  # this was the last that its thread did
            self._server = None
            self.url, self.problem = "", event.error
            self._set_state(ServeState.OFF)

    def _set_state(self, state: ServeState) -> None:
        self.state = state
        self.changed.emit()
