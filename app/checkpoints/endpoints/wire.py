"""Requests to an OpenAI-compatible completions endpoint, and parsers of its responses.

Log-probabilities come in three formats: the legacy format of the OpenAI API, in which tokens are
text (``token_id:N`` if vLLM is asked for ids, ``bytes:\\x…`` for tokens that are not valid UTF-8);
the format of llama.cpp's server, a list with bytes; and, for prompts, vLLM's ``prompt_logprobs`` by
id.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from app.checkpoints.endpoints.matching import Token

Position = dict[Token, float]
"""The returned tokens at one position with their log-probabilities."""

_ID = re.compile(r"token_id:([0-9]{1,9})")
_NUMBER = re.compile("[0-9]{1,9}")
_BYTES = re.compile(r"bytes:((?:\\x[0-9a-fA-F]{2}|[\x20-\x7e])+)")
_ESCAPED = re.compile(r"\\x([0-9a-fA-F]{2})|(.)", re.DOTALL)
_FLOOR = -9999.0  # vLLM's value for −inf


class FormError(Exception):
    """A response in no known format; the message says what was found."""


def request(
    model: str, prompt: str | Sequence[int], top: int, *, extras: Mapping[str, Any]
) -> dict[str, Any]:
    """The body of a request for one greedy token with ``top`` log-probabilities."""
    prompt = prompt if isinstance(prompt, str) else list(prompt)
    body: dict[str, Any] = {"prompt": prompt, "max_tokens": 1, "temperature": 0, "logprobs": top}
    return {"model": model, **body, **extras} if model else {**body, **extras}


def prompt_tokens(answer: Mapping[str, Any]) -> int | None:
    """The number of prompt tokens that the server reports, or None."""
    usage = answer.get("usage")
    found = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return found if type(found) is int else None


def choice_of(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first choice of a response.

    Raises:
        FormError: The response has no choices.
    """
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise FormError("the answer has no choices")
    return choices[0]


def ends(choice: Mapping[str, Any]) -> bool:
    """Whether the server stopped at the token that it generated."""
    return choice.get("finish_reason") == "stop"


def generated(choice: Mapping[str, Any], top: int, *, ids: bool) -> list[Position | None] | None:
    """The positions with log-probabilities in a choice.

    Args:
        choice: A choice of a response.
        top: The number of log-probabilities requested; −1 is all.
        ids: Whether the ids of the server are those of the pair.

    Returns:
        The ``top`` most probable tokens at each position; None for a position without any, as the
        first of a prompt. None instead of the list if the choice has no log-probabilities.

    Raises:
        FormError: The log-probabilities are in no known format.
    """
    found = choice.get("logprobs")
    if not isinstance(found, dict):
        return None
    content = found.get("content")
    if isinstance(content, list):
        return [_of_content(item, top, ids) for item in content]
    listed = found.get("top_logprobs")
    if listed is None:
        return None
    if not isinstance(listed, list):
        raise FormError("“top_logprobs” is not a list")
    return [_of_table(item, top, ids) for item in listed]


def tokens_of(choice: Mapping[str, Any]) -> list[str]:
    """The tokens of a choice in the legacy format, as text."""
    found = choice.get("logprobs")
    tokens = found.get("tokens") if isinstance(found, dict) else None
    return tokens if isinstance(tokens, list) else []


def of_prompt(choice: Mapping[str, Any], top: int) -> list[Position | None] | None:
    """The positions of the prompt in vLLM's format, or None if the choice has none.

    Raises:
        FormError: The positions cannot be parsed.
    """
    listed = choice.get("prompt_logprobs")
    if not isinstance(listed, list):
        return None
    return [None if item is None else _of_ids(item, top) for item in listed]


def read_token(text: object, *, ids: bool) -> Token:
    """Parse a token of the legacy format."""
    if not isinstance(text, str):
        raise FormError(f"a token is {text!r}")
    if ids and (found := _ID.fullmatch(text)):
        return int(found[1])
    if found := _BYTES.fullmatch(text):
        parts = _ESCAPED.finditer(found[1])
        return b"".join(
            bytes([int(part[1], 16)]) if part[1] else part[2].encode() for part in parts
        )
    return text if "\ufffd" in text else text.encode("utf-8", "surrogatepass")


def _of_table(item: object, top: int, ids: bool) -> Position | None:
    if item is None:
        return None
    if not isinstance(item, dict):
        raise FormError("an element of “top_logprobs” is not a table")
    pairs = ((read_token(text, ids=ids), value) for text, value in item.items())
    return _highest({token: _number(value) for token, value in pairs}, top)


def _of_content(item: object, top: int, ids: bool) -> Position:
    listed = item.get("top_logprobs") if isinstance(item, dict) else None
    if not isinstance(listed, list):
        raise FormError("an element of “content” has no “top_logprobs”")
    found: Position = {}
    for entry in listed:
        if not isinstance(entry, dict):
            raise FormError("a token is not a table")
        found[_of_entry(entry, ids)] = _number(entry.get("logprob"))
    return _highest(found, top)


def _of_entry(entry: Mapping[str, Any], ids: bool) -> Token:
    index, spelled = entry.get("id"), entry.get("bytes")
    if ids and type(index) is int:
        return index
    if isinstance(spelled, list) and all(type(b) is int and 0 <= b < 256 for b in spelled):
        return bytes(spelled)
    return read_token(entry.get("token"), ids=ids)


def _of_ids(item: object, top: int) -> Position:
    if not isinstance(item, dict):
        raise FormError("an element of “prompt_logprobs” is not a table")
    found: Position = {}
    for index, value in item.items():
        if not _NUMBER.fullmatch(str(index)) or not isinstance(value, dict):
            raise FormError("“prompt_logprobs” are not by id")
        found[int(index)] = _number(value.get("logprob"))
    return _highest(found, top)


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not value <= 1e-3:
        raise FormError(f"a log-probability is {value!r}")
    return -math.inf if value <= _FLOOR else min(float(value), 0.0)


def _highest(found: Position, top: int) -> Position:
    """The ``top`` most probable tokens; servers may add the token of the prompt to them."""
    known = {token: value for token, value in found.items() if value > -math.inf}
    if top < 0 or len(known) <= top:
        return known
    best = sorted(known.items(), key=lambda item: item[1], reverse=True)
    return dict(best[:top])
