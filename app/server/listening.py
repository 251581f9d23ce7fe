"""Where requests come in: an address, and a socket that listens there."""

from __future__ import annotations

import errno
import ipaddress
import socket
from dataclasses import dataclass, field

from app.errors import SettingsError
from app.server.access import DEFAULT_PORT, Access, Limits

_BACKLOG = 512


@dataclass(frozen=True, slots=True)
class Service:
    """Where to answer whom.

    Attributes:
        access: Who may ask.
        port: Where to listen; 0 is any that is free.
        limits: What a request may take.
    """

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
            next_step="Set a key: for tuneshift serve with --api-key-file or TUNESHIFT_SERVE_KEY.",
        )
    if port not in range(65536):
        raise SettingsError("A port is a number from 0 to 65535", evidence=f"it is {port}")
    try:
        family = socket.getaddrinfo(access.host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((access.host, port), family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:  # the latter for a name that cannot be one
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        raise SettingsError(
            f"{access.host} port {port} cannot be listened at",
            evidence="another program listens there" if taken else str(error),
            next_step="Choose another port." if taken else "Check address and port.",
        ) from error


def url_of(listener: socket.socket) -> str:
    """The base address of the API at a socket, as clients want it.

    Where it listens at all addresses of this machine, they want the machine's name.
    """
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
        host = socket.gethostname()
    place = f"[{host}]" if ":" in host else host
    return f"http://{place}:{port}/v1"
