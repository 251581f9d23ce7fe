"""The key of an endpoint: from the environment or the system's credential store, never a recipe."""

from __future__ import annotations

import logging
import os
import re

from app.checkpoints.endpoint_address import Address

log = logging.getLogger(__name__)

SERVICE = "tuneshift"
"""The name of the service in the credential store; the user is the host of the endpoint."""
_OPENAI = "api.openai.com"


class Key:
    """A key that does not show itself in logs and tracebacks."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Key(…)"

    def headers(self) -> dict[str, str]:
        """The header that carries it."""
        return {"Authorization": f"Bearer {self._text}"}

    def is_sendable(self) -> bool:
        """Whether a header can hold it."""
        return self._text.isascii() and self._text.isprintable()

    def hidden_in(self, text: str) -> str:
        """``text`` with an ellipsis in place of the key."""
        return text.replace(self._text, "…")


def variable(address: Address) -> str:
    """The environment variable that holds the key of an endpoint.

    It names the host, so that a recipe of somebody else cannot have a key sent elsewhere.
    """
    return f"TUNESHIFT_API_KEY_{re.sub(r'[^A-Z0-9]+', '_', address.host.upper()).strip('_')}"


def find_key(address: Address) -> Key | None:
    """The key of an endpoint, or None where there is none."""
    text = os.environ.get(variable(address), "").strip()
    if not text and address.host == _OPENAI and address.url.startswith("https:"):
        text = os.environ.get("OPENAI_API_KEY", "").strip()
    text = text or _stored(address.host)
    return Key(text) if text else None


def where_to_put(address: Address) -> str:
    """What to do so that :func:`find_key` finds one, in a sentence."""
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
    except Exception as error:  # a backend raises what it likes, such as “no D-Bus”
        log.info("the credential store cannot be read: %s", type(error).__name__)
        return ""
