"""The listening socket of the API server, and its URL."""

from __future__ import annotations

import errno
import ipaddress
import socket
from dataclasses import dataclass, field

from app.errors import SettingsError
from app.server.access import DEFAULT_PORT, Access, Limits

BACKLOG = 512
"""How many connections may wait to be accepted."""


@dataclass(frozen=True, slots=True)
class Service:
    """Configuration of an API server.

    Attributes:
        access: Who may use the server.
        port: TCP port; 0 for any free port.
        limits: Limits for one request.
    """

    access: Access
    port: int = DEFAULT_PORT
    limits: Limits = field(default_factory=Limits)


def listen(service: Service) -> socket.socket:
    """Open the listening socket for ``service``.

    Raises:
        SettingsError: The address cannot be bound, the port is invalid, or the address is reachable
            from other machines and no key is set.
    """
    access, port = service.access, service.port
    if not (access.is_local or access.key):
        raise SettingsError(
            f"An API key is required, because other machines can connect to {access.host}",
            next_step="Set a key; for tuneshift serve, use --api-key-file or TUNESHIFT_SERVE_KEY.",
        )
    if port not in range(65536):
        raise SettingsError("The port must be a number from 0 to 65535", evidence=f"it is {port}")
    try:
        family = socket.getaddrinfo(access.host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((access.host, port), family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:  # UnicodeError: not a valid host name
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        raise SettingsError(
            f"The server cannot listen on {access.host}, port {port}",
            evidence="another program uses the port" if taken else str(error),
            next_step="Choose another port." if taken else "Check the address and the port.",
        ) from error


def url_of(listener: socket.socket) -> str:
    """The base URL of the API at a listening socket.

    If the socket listens on all addresses, the URL has the host name of this machine.
    """
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
        host = socket.gethostname()
    place = f"[{host}]" if ":" in host else host
    return f"http://{place}:{port}/v1"
