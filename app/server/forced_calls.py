"""Grammars that make an answer call tools, in the format of the base's chat template."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from app.checkpoints.structure_grammar import json_rule
from app.server.tool_calls import ToolForm

SpecialId = Callable[[str], int | None]
"""The id of a special token; None if the text is not one."""
_ANY_ARGUMENTS = {"type": "object"}
_ARGUMENTS_MARK, _CALL_ID_MARK = "[ARGS]", "[CALL_ID]"


def forced_calls(
    form: ToolForm,
    template: str,
    tools: Sequence[tuple[str, dict[str, Any]]],
    special_id: SpecialId,
    *,
    several: bool,
) -> str | None:
    """A grammar of answers that are calls and nothing else; None for a format that it cannot write.

    Args:
        form: The format of calls in the template.
        template: The chat template of the base.
        tools: The name of each tool that may be called, and the JSON schema of its arguments.
        special_id: The id of a special token of the base.
        several: Whether the answer may have several calls.
    """
    if form is ToolForm.HERMES:
        calls = _hermes(special_id)
    elif form is ToolForm.LLAMA:
        calls = "start: call\n"  # which calls one tool at a time
    elif _CALL_ID_MARK in template:
        return None
    elif _ARGUMENTS_MARK in template:
        return _named_mistral(tools, special_id, several=several)
    else:
        calls = f'start: {_mark(form.value, special_id)} " "? "[" call (", " call)* "]"\n'
    if not several:
        calls = calls.replace(' ("\\n" one)*', "").replace(' (", " call)*', "")
    key = "parameters" if form is ToolForm.LLAMA else "arguments"
    rules = [
        f"call{number}: {_literal(_beginning(name, key))} arguments{number} {_literal('}')}\n"
        for number, (name, _) in enumerate(tools)
    ]
    return "".join([calls, _any_of("call", tools), *rules, *_arguments(tools)])


def _hermes(special_id: SpecialId) -> str:
    opening, closing = (_mark(mark, special_id) for mark in ("<tool_call>", "</tool_call>"))
    return f'start: one ("\\n" one)*\none: {opening} "\\n" call "\\n" {closing}\n'


def _named_mistral(
    tools: Sequence[tuple[str, dict[str, Any]]], special_id: SpecialId, *, several: bool
) -> str:
    opening, mark = (_mark(text, special_id) for text in (ToolForm.MISTRAL.value, _ARGUMENTS_MARK))
    rules = [
        f"call{number}: {_literal(name)} {mark} arguments{number}\n"
        for number, (name, _) in enumerate(tools)
    ]
    start = f"start: one{'+' if several else ''}\none: {opening} call\n"
    return "".join([start, _any_of("call", tools), *rules, *_arguments(tools)])


def _any_of(rule: str, tools: Sequence[object]) -> str:
    return f"{rule}: {' | '.join(f'{rule}{number}' for number in range(len(tools)))}\n"


def _arguments(tools: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
    return [
        f"arguments{number}: {json_rule(_ANY_ARGUMENTS | schema)}\n"
        for number, (_, schema) in enumerate(tools)
    ]


def _beginning(name: str, key: str) -> str:
    return f'{{"name": {json.dumps(name)}, "{key}": '


def _mark(text: str, special_id: SpecialId) -> str:
    """A mark in the grammar: a special token by its id, since no text spells it."""
    index = special_id(text)
    return _literal(text) if index is None else f"<[{index}]>"


def _literal(text: str) -> str:
    return json.dumps(text)
