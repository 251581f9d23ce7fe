"""API keys of endpoints, from the environment or the system's credential store.

Keys are never stored in recipes.
"""

from __future__ import annotations

import logging
import os
import re

from app.checkpoints.endpoint_address import Address
from app.errors import EndpointError

log = logging.getLogger(__name__)

SERVICE = "tuneshift"
"""The service name in the credential store; the user name is the host of the endpoint."""
_OPENAI = "api.openai.com"


class Key:
    """An API key whose repr hides it from logs and tracebacks."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Key(…)"

    def headers(self) -> dict[str, str]:
        """The HTTP header with the key."""
        return {"Authorization": f"Bearer {self._text}"}

    def is_sendable(self) -> bool:
        """Whether the key can be sent in an HTTP header."""
        return self._text.isascii() and self._text.isprintable()

    def hidden_in(self, text: str) -> str:
        """``text`` with the key replaced by an ellipsis."""
        return text.replace(self._text, "…")


def variable(address: Address) -> str:
    """The name of the environment variable with the key of an endpoint.

    The name contains the host, so that the key is sent to no other host, whatever a recipe says.
    """
    return f"TUNESHIFT_API_KEY_{re.sub(r'[^A-Z0-9]+', '_', address.host.upper()).strip('_')}"


def find_key(address: Address) -> Key | None:
    """The key of an endpoint, or None."""
    text = os.environ.get(variable(address), "").strip()
    if not text and address.host == _OPENAI and address.url.startswith("https:"):
        text = os.environ.get("OPENAI_API_KEY", "").strip()
    text = text or _stored(address.host)
    return Key(text) if text else None


def find_sendable_key(address: Address) -> Key | None:
    """The key of an endpoint, or None.

    Raises:
        EndpointError: It has characters that cannot be sent.
    """
    key = find_key(address)
    if key is not None and not key.is_sendable():
        raise EndpointError(
            f"The key for {address.host} has characters that cannot be sent in a header",
            next_step="Copy it again, without a line break.",
        )
    return key


def where_to_put(address: Address) -> str:
    """A sentence that says where :func:`find_key` looks for the key."""
    return (
        f"Store it with: keyring set {SERVICE} {address.host}, or put it into the environment "
        f"variable {variable(address)}."
    )


def _stored(host: str) -> str:
    try:
        import keyring
    except ImportError:  # an extra
        return ""
    try:
        return (keyring.get_password(SERVICE, host) or "").strip()
    except Exception as error:  # backends raise many kinds, such as “no D-Bus”
        log.info("the credential store cannot be read: %s", type(error).__name__)
        return ""
