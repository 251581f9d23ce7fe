"""Connections of HTTP clients: bounded in number, and closed if a request does not arrive in time.

A connection is *silent* while it has no request: none of its requests is being received or
answered. A silent connection can be closed at any time, so clients that only connect can never
keep others out.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.server.api_errors import ApiError

log = logging.getLogger(__name__)

ACCEPTED_AT_ONCE = 4
"""How many connections the event loop accepts before it handles the first of them."""
_RESERVED_DESCRIPTORS = 48
"""For connections that are accepted or closed at this moment, files of weights and pipes."""
_FEWEST = 8
_RETRY_AFTER = "5"


class Connections:
    """The open connections of one server.

    Args:
        most: The maximum number of connections.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[LimitedProtocol, None] = {}
        self._reported = False

    def add(self, new: LimitedProtocol) -> bool:
        """Count a connection, and close a silent one if there are too many.

        The connection to close is one of the address with the most silent connections: the oldest
        without any request so far, or else the one that has been silent for longest.

        Returns:
            Whether the connection may send requests; False if all others are answering some.
        """
        silent = [other for other in self._open if other.is_silent]
        full = len(self._open) >= self._most
        self._open[new] = None
        if not full:
            return True
        if not self._reported:
            self._reported = True
            log.warning(
                "%d connections are open, as many as allowed; silent ones are closed for new ones. "
                "This is reported once.",
                self._most,
            )
        if not silent:
            return False
        counts = Counter(other.address for other in silent)
        most = max(counts.values())
        found = [other for other in silent if counts[other.address] == most]
        chosen = min(found, key=lambda other: (other.was_used, other.silent_since))
        self.remove(chosen)  # now, so that the next connection chooses another
        chosen.abort()
        return True

    def remove(self, closed: LimitedProtocol) -> None:
        """Stop counting a connection."""
        self._open.pop(closed, None)

    def abort_incomplete(self) -> None:
        """Close the connections whose request has not been received completely."""
        for connection in [other for other in self._open if other.is_incomplete]:
            connection.abort()

    def abort_all(self) -> None:
        """Close all connections, which ends their requests as if the clients had left."""
        for connection in list(self._open):
            connection.abort()


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """What :class:`LimitedProtocol` needs besides the configuration of uvicorn.

    Attributes:
        connections: The open connections.
        header_seconds: Time limit for the line and headers of a request, in seconds.
    """

    connections: Connections
    header_seconds: float


class LimitedProtocol(H11Protocol):
    """An HTTP connection with a time limit for headers, and errors in the API's format."""

    def __init__(self, options: HttpOptions, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._options = options
        self._deadline: asyncio.TimerHandle | None = None
        self.silent_since = self.loop.time()

    @property
    def address(self) -> str:
        """The address of the client, without its port."""
        return self.client[0] if self.client else ""

    @property
    def was_used(self) -> bool:
        """Whether a request has arrived."""
        return self.cycle is not None

    @property
    def is_silent(self) -> bool:
        """Whether the connection has no request at this moment."""
        if self.cycle is None:
            return True
        return self.cycle.response_complete and not self.transport.get_write_buffer_size()

    @property
    def is_incomplete(self) -> bool:
        """Whether a request has begun to arrive, but not ended."""
        cycle = self.cycle
        return cycle is not None and not cycle.response_complete and cycle.more_body

    def abort(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for headers."""
        super().connection_made(transport)
        if not self._options.connections.add(self):
            self.app = _refuse
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the connection."""
        self._options.connections.remove(self)
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Handle a part of a request; the headers of one must be complete in time."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._deadline is None and not self.transport.is_closing():
            self._await_headers()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request, for as long as connections are kept alive."""
        self.silent_since = self.loop.time()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, and close the connection."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):  # an answer has begun
            self.transport.close()
            return
        body = json.dumps(ApiError(400, msg).body()).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        events = (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _await_headers(self) -> None:
        self._deadline = self.loop.call_later(self._options.header_seconds, self.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


@dataclass(slots=True)
class AcceptErrors:
    """The exception handler of an event loop that reports a lack of descriptors once."""

    _reported: bool = field(default=False)

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Report an error; asyncio tries again a second after it could not accept a connection."""
        message = str(context.get("message", ""))
        if "_start_serving" in message:  # asyncio tries again after the listener was closed
            return
        if not message.startswith("socket.accept()"):
            loop.default_exception_handler(context)
        elif not self._reported:
            self._reported = True
            log.warning("Connections cannot be accepted: %s. Reported once.", context["exception"])


def most_connections(wanted: int) -> int:
    """``wanted``, or fewer if this process may not open so many files besides those it has open."""
    if sys.platform == "win32":
        return wanted
    import resource

    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if allowed == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(allowed - _open_descriptors() - _RESERVED_DESCRIPTORS, _FEWEST))


def _open_descriptors() -> int:
    folder = Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd")
    try:
        return sum(1 for _ in folder.iterdir())
    except OSError:
        return 0


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application of a connection for which there is no place."""
    error = ApiError(
        503,
        "Too many connections are open.",
        "server_error",
        code="too_many_connections",
        headers={"Retry-After": _RETRY_AFTER, "Connection": "close"},
    )
    await error.response()(scope, receive, send)
