"""Who may ask at all, and what a request may take. Plain values: no library of the server."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8642


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may take.

    Attributes:
        body_bytes: The most bytes of a body.
        body_seconds: The most seconds until a body is there.
        answer_seconds: The most seconds until an answer is whole, waiting included.
    """

    body_bytes: int = 2 * 2**20
    body_seconds: float = 20.0
    answer_seconds: float = 1800.0


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask.

    Attributes:
        host: The address that is listened on.
        key: What has to be shown, or nothing.
        origins: Origins whose pages may ask, such as ``https://chat.example.org``.
    """

    host: str
    key: str = ""
    origins: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        """Whether only this machine can ask."""
        return is_loopback(self.host)

    def __repr__(self) -> str:
        return f"Access(host={self.host!r}, key={'…' if self.key else ''!r})"


def is_loopback(host: str) -> bool:
    """Whether an address is that of this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
