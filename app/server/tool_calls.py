"""Calls of tools in the text of an answer, in the formats of common chat templates."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

Json = dict[str, Any]
_END_OF_BLOCK = "</tool_call>"
_BLOCK = re.compile(rf"<tool_call>\s*(.*?)\s*(?:{_END_OF_BLOCK}|$)", re.DOTALL)
_NAMED = re.compile(r"([\w.-]+)\[ARGS\]")
_PYTHON_TAG = "<|python_tag|>"
_DECODER = json.JSONDecoder()


class ToolForm(Enum):
    """A format of calls, by the text with which they begin."""

    HERMES = "<tool_call>"
    """JSON in tags, as Hermes and Qwen write it."""
    MISTRAL = "[TOOL_CALLS]"
    """A JSON list, or names with ``[ARGS]`` and JSON, after a mark."""
    LLAMA = "{"
    """The whole answer is JSON with ``parameters``, as Llama 3 writes it."""


def tool_form_of(template: str) -> ToolForm | None:
    """The format in which a chat template shows calls; None if it has no tools, or another one."""
    if "tools" not in template:
        return None
    for form in (ToolForm.HERMES, ToolForm.MISTRAL):
        if form.value in template:
            return form
    is_llama = "python_tag" in template or '"parameters"' in template
    return ToolForm.LLAMA if is_llama else None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool; ``arguments`` is JSON."""

    name: str
    arguments: str

    def as_json(self) -> Json:
        """The call as an element of ``tool_calls``."""
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": f"call_{secrets.token_hex(12)}", "type": "function", "function": function}


class ToolText:
    """The text of one answer, from which calls are taken out.

    Text that may belong to a call is held back until the answer has ended.
    """

    def __init__(self, form: ToolForm) -> None:
        self._form = form
        self._held = ""
        self._begun = False  # text that is no white space was given on
        self._in_call = False

    def push(self, text: str) -> str:
        """Add text; returns what belongs to no call for sure."""
        self._held += text
        if self._in_call:
            return ""
        place = self._place_of_call()
        given, self._held = self._held[:place], self._held[place:]
        self._begun = self._begun or bool(given.strip())
        return given

    def finish(self) -> tuple[str, list[ToolCall]]:
        """The text that was held back, without the calls in it, and the calls."""
        calls = list(_parsed(self._held, self._form))
        return ("" if calls else self._held), calls

    def _place_of_call(self) -> int:
        """Where a call begins or may begin; the end if none does."""
        held = self._held
        if self._form is ToolForm.LLAMA:
            first = held.lstrip()
            starts = first.startswith("{") or first.startswith(_PYTHON_TAG)
            self._in_call = starts and not self._begun
            may_start = not self._begun and _PYTHON_TAG.startswith(first)
            return 0 if self._in_call or may_start else len(held)
        mark = self._form.value
        place = held.find(mark)
        if place >= 0:
            self._in_call = True
            return place
        longest = min(len(mark) - 1, len(held))
        ends = (len(held) - n for n in range(longest, 0, -1) if mark.startswith(held[-n:]))
        return next(ends, len(held))


def split_calls(text: str, form: ToolForm) -> tuple[str, list[ToolCall]]:
    """The text of a whole answer without its calls, and the calls."""
    whole = ToolText(form)
    before = whole.push(text)
    after, calls = whole.finish()
    return (before.rstrip() if calls else before) + after, calls


def _parsed(text: str, form: ToolForm) -> Iterator[ToolCall]:
    """The calls of a text that begins with one; none if any of it is no call."""
    try:
        found = list(_values(text, form))
    except (ValueError, RecursionError):  # no JSON, or nested too deeply
        return
    calls = [call for value in found if (call := _call(value, form))]
    if len(calls) == len(found):
        yield from calls


def _values(text: str, form: ToolForm) -> Iterator[Any]:
    if form is ToolForm.HERMES:
        yield from _values_in_tags(text)
        return
    rest = text.strip().removeprefix(form.value if form is ToolForm.MISTRAL else _PYTHON_TAG)
    rest = rest.strip()
    while rest:
        named = _NAMED.match(rest)
        value, end = _DECODER.raw_decode(rest[named.end() :].lstrip() if named else rest)
        if named:
            end += len(rest) - len(rest[named.end() :].lstrip())
            yield {"name": named[1], "arguments": value}
        else:
            yield from value if isinstance(value, list) else [value]
        rest = rest[end:].lstrip("; \n").removeprefix(form.value if named else "").lstrip()


def _values_in_tags(text: str) -> Iterator[Any]:
    for block in _BLOCK.finditer(text):
        try:
            yield json.loads(block[1])
        except ValueError:
            complete = block[0].endswith(_END_OF_BLOCK)
            if complete or not block.start():
                raise
            return  # the answer was cut off in a further call


def _call(value: Any, form: ToolForm) -> ToolCall | None:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return None
    if form is ToolForm.LLAMA and not value.keys() & {"arguments", "parameters"}:
        return None  # an answer in JSON that has a name
    arguments = value.get("arguments", value.get("parameters", {}))
    if isinstance(arguments, str):
        return ToolCall(value["name"], arguments)
    return ToolCall(value["name"], json.dumps(arguments, ensure_ascii=False))
