"""The address of an endpoint as a recipe names it. Imports no torch: the window uses it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.errors import RecipeError

KIND = "endpoint"
ALL_LOGPROBS = -1
DEFAULT_LOGPROBS = 5
"""As many as the OpenAI API gives, and as the paper used."""
_MOST_LOGPROBS = 1_000_000


@dataclass(frozen=True, slots=True)
class Address:
    """Where an endpoint is.

    Attributes:
        url: Without a slash at its end, such as ``http://localhost:8000/v1``.
        host: With the port where one is named, such as ``localhost:8000``.
    """

    url: str
    host: str

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine."""
        name = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return name == "localhost"


def is_endpoint(source: str) -> bool:
    """Whether a source of a checkpoint is an endpoint."""
    return source.startswith(f"{KIND}:")


def address_of(source: str) -> Address:
    """The address in a source such as ``endpoint:http://localhost:8000/v1``.

    Raises:
        RecipeError: When it is not the address of an HTTP server, or holds a password or a query,
            which a recipe is not the place for.
    """
    url = source.removeprefix(f"{KIND}:").rstrip("/")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _not_an_address(url, str(error)) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or not _is_plain(url):
        raise _not_an_address(url)
    if parts.username is not None or "?" in url or "#" in url:
        raise RecipeError(
            f"The address of the endpoint at {parts.hostname} holds more than a place",
            evidence="it has a user, a query or a fragment",
            next_step="Keys are never kept in recipes; docs/large-bases.md says where to put them.",
        )
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Address(url, f"{name}:{port}" if port else name)


def check_logprobs(count: int) -> None:
    """Check how many log-probabilities to ask for.

    Raises:
        RecipeError: When it is neither a number of tokens nor −1 for all.
    """
    if count != ALL_LOGPROBS and not 1 <= count <= _MOST_LOGPROBS:
        raise RecipeError(
            "“top_logprobs” must be 1 or more, or −1 for all tokens", evidence=f"it is {count}"
        )


def _is_plain(url: str) -> bool:
    return url.isascii() and url.isprintable() and " " not in url


def _not_an_address(url: str, evidence: str = "") -> RecipeError:
    return RecipeError(
        f"“{url}” is not the address of an endpoint",
        evidence=evidence,
        next_step="It looks like http://localhost:8000/v1.",
    )
