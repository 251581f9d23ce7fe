"""Translation of HTTP and network failures into :class:`EndpointError`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from app.checkpoints.endpoint_address import Address
from app.checkpoints.endpoints.keys import Key, where_to_put
from app.errors import EndpointError

LONGEST_PAUSE = 60.0
_MOST_SAID = 300
_NO_LOGPROBS = (
    "It needs an OpenAI-compatible /completions that knows “logprobs”, as vLLM and llama.cpp have."
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed request.

    Attributes:
        error: The error to raise if the request is not retried, or the last retry has failed.
        status: The HTTP status of the response, or 0 if there was no response.
        again: Whether a retry may succeed.
        pause: The pause that the server asks for, in seconds, or None.
    """

    error: EndpointError
    status: int = 0
    again: bool = False
    pause: float | None = None


class RequestError(Exception):
    """Internal exception that carries a :class:`Failure` to the code that decides on retries."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.error))
        self.failure = failure


def of_status(
    address: Address, key: Key | None, status: int, body: str, retry_after: str, now: float
) -> Failure:
    """The failure for a response with a status other than 200."""
    said = _said(body, key)
    evidence = f"it answered {status}" + (f": {said}" if said else "")
    host = address.host
    if status in (401, 403):
        cause = (
            f"The server at {host} requires a key"
            if key is None
            else f"The server at {host} does not accept the key for it"
        )
        error = EndpointError(cause, evidence=evidence, next_step=where_to_put(address))
        return Failure(error, status)
    if status == 404:
        step = f"The address is {address.url}; check it and “model” in the recipe."
        error = EndpointError(
            f"The server at {host} has no such model or address", evidence=evidence, next_step=step
        )
        return Failure(error, status)
    if status == 429:
        return _too_much(host, evidence, retry_after, now)
    if status >= 500:
        error = EndpointError(
            f"The server at {host} has a problem",
            evidence=evidence,
            next_step="Look at what it logs, then continue the text.",
        )
        return Failure(error, status, again=True, pause=_pause(retry_after, now))
    step = "Lower “top_logprobs” in the recipe." if "logprobs" in said else ""
    error = EndpointError(
        f"The server at {host} refuses the request",
        evidence=evidence,
        next_step=step or "Check the address and “model” in the recipe.",
    )
    return Failure(error, status)


def of_transport(address: Address, error: Exception, key: Key | None) -> Failure:
    """The failure for a missing or incomplete response."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    evidence = _said(str(error), key) or type(error).__name__
    host = address.host
    if kinds & {"ConnectError", "ConnectTimeout"}:
        cause, step = f"The server at {host} cannot be reached", "Start it, or check the address."
    elif "TimeoutException" in kinds:
        cause, step = f"The server at {host} stopped answering", "Continue the text to try again."
    else:
        cause = f"The connection to {host} was lost in the middle of an answer"
        step = "Continue the text to try again."
    return Failure(EndpointError(cause, evidence=evidence, next_step=step), again=True)


def not_json(address: Address, body: str, key: Key | None) -> Failure:
    """The failure for a response with status 200 whose body is not a JSON object.

    Proxies and log-in pages send such responses; a truncated response is one, too.
    """
    error = EndpointError(
        f"The answer of {address.host} cannot be read",
        evidence=_said(body, key) or "it is empty",
        next_step=f"Check that {address.url} is the address of the API itself.",
    )
    return Failure(error, again=True)


def no_logprobs(address: Address) -> EndpointError:
    """The error for a response without log-probabilities."""
    return EndpointError(
        f"The server at {address.host} returns no log-probabilities",
        evidence="it was asked for them and left them out",
        next_step=_NO_LOGPROBS,
    )


def unusable(address: Address, evidence: str) -> EndpointError:
    """The error for log-probabilities in an unknown format or with impossible values."""
    return EndpointError(
        f"The log-probabilities of {address.host} cannot be used",
        evidence=evidence,
        next_step=_NO_LOGPROBS,
    )


def _too_much(host: str, evidence: str, retry_after: str, now: float) -> Failure:
    pause = _pause(retry_after, now)
    long = pause is not None and pause > LONGEST_PAUSE
    error = EndpointError(
        f"The server at {host} asks for a pause",
        evidence=evidence,
        next_step=f"It asks to wait {pause:,.0f} seconds; then continue the text."
        if pause is not None
        else "Continue the text in a minute.",
    )
    return Failure(error, 429, again=not long, pause=pause)


def _pause(retry_after: str, now: float) -> float | None:
    """The header Retry-After in seconds; its value is a number of seconds or a date."""
    try:
        return (
            max(0.0, float(retry_after))
            if retry_after.strip().isdigit()
            else _until(retry_after, now)
        )
    except (ValueError, OverflowError):
        return None


def _until(date: str, now: float) -> float | None:
    if not date:
        return None
    return max(0.0, parsedate_to_datetime(date).timestamp() - now)


def _said(body: str, key: Key | None) -> str:
    """The error message in a response body, as one short line with the key removed."""
    try:
        content = json.loads(body)
        if isinstance(content, dict):
            error = content.get("error", content)
            found = error.get("message") if isinstance(error, dict) else error
            found = found or content.get("detail") or content.get("message")
            body = found if isinstance(found, str) else json.dumps(found or content)
    except (ValueError, RecursionError):
        pass
    text = " ".join(body.split())
    text = key.hidden_in(text) if key else text
    return text if len(text) <= _MOST_SAID else f"{text[:_MOST_SAID]} …"
