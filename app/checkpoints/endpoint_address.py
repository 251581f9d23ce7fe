"""Parser of endpoint addresses in recipes. Imports no torch: the window uses it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.errors import RecipeError

KIND = "endpoint"
ALL_LOGPROBS = -1
DEFAULT_LOGPROBS = 5
"""The maximum of the OpenAI API, and the number used in the paper."""
_MOST_LOGPROBS = 1_000_000


@dataclass(frozen=True, slots=True)
class Address:
    """The address of an endpoint.

    Attributes:
        url: The base URL without a trailing slash, such as ``http://localhost:8000/v1``.
        host: The host, with the port if the URL has one, such as ``localhost:8000``.
    """

    url: str
    host: str

    @property
    def is_loopback(self) -> bool:
        """Whether the endpoint is on this machine."""
        name = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return name == "localhost"


def is_endpoint(source: str) -> bool:
    """Whether a checkpoint source is an endpoint."""
    return source.startswith(f"{KIND}:")


def address_of(source: str) -> Address:
    """Parse the address of a source such as ``endpoint:http://localhost:8000/v1``.

    Raises:
        RecipeError: The source is not the URL of an HTTP server, or the URL has a user, a password,
            a query or a fragment. Recipes never hold credentials.
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
            f"The address of the endpoint at {parts.hostname} has a user, a query or a fragment",
            next_step="Keys are never kept in recipes; docs/large-bases.md says where to put them.",
        )
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Address(url, f"{name}:{port}" if port else name)


def check_logprobs(count: int) -> None:
    """Check the number of log-probabilities to request.

    Raises:
        RecipeError: ``count`` is neither a number of tokens nor −1 for all.
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
