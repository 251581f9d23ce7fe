"""Access rules and request limits of the API server. Imports no server libraries."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8642
ANY_ORIGIN, NO_ORIGIN = "*", "null"


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for clients.

    Attributes:
        body_bytes: Maximum size of the request body, in bytes.
        body_seconds: Time limit for receiving the body, in seconds.
        answer_seconds: Time limit for the whole response, in seconds, including time in the queue.
        header_seconds: Time limit for the headers of a request, in seconds, and for the first
            request of a connection.
        connections: Maximum number of open connections.
    """

    body_bytes: int = 2 * 2**20
    body_seconds: float = 20.0
    answer_seconds: float = 1800.0
    header_seconds: float = 20.0
    connections: int = 512


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use the server.

    Attributes:
        host: The address that the server listens on.
        key: The API key that clients must send; empty if no key is required.
        origins: Web origins that are allowed (CORS), such as ``https://chat.example.org``; ``null``
            for pages without an origin, such as files, and ``*`` for all pages.
    """

    host: str
    key: str = ""
    origins: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        """Whether only this machine can connect: the host is a loopback address."""
        return is_loopback(self.host)

    def allows_origin(self, origin: str) -> bool:
        """Whether web pages of ``origin`` may use the server."""
        return ANY_ORIGIN in self.origins or origin in self.origins

    def __repr__(self) -> str:
        return f"Access(host={self.host!r}, key={'…' if self.key else ''!r})"


def is_loopback(host: str) -> bool:
    """Whether ``host`` is a loopback address or ``localhost``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
