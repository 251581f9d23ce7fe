"""Tools: read by the chat template, called in its format, parsed from the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import BadRequestError, OpenAI
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from app.checkpoints.structured_output import StructuredOutput
from app.decoding.types import GRAMMAR, GenerationConfig
from app.errors import StructureError
from app.server.forced_calls import forced_calls
from app.server.tool_calls import ToolForm, ToolText, split_calls, tool_form_of
from tests import tiny
from tests.server.conftest import PATIENCE, TOOL_TEMPLATE, Running

TOOLS: Any = [
    {
        "type": "function",
        "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object"}},
    }
]
NAMED: Any = {"type": "function", "function": {"name": "add"}}
CALLED = '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>'
ASKED: Any = [{"role": "user", "content": "12 + 30"}]


def _tool(name: str, parameters: dict[str, Any]) -> Any:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


@pytest.fixture
def caller(with_tools: Running) -> Iterator[OpenAI]:
    with with_tools.client() as client:
        yield client


def grammar(text: str) -> dict[str, Any]:
    """Makes the answer be ``text``."""
    return {"grammar": f"root ::= {json.dumps(text)}"}


@pytest.mark.parametrize("before", ["", "I add: "])
def test_a_call_in_the_answer_is_a_call_of_the_response(caller: OpenAI, before: str) -> None:
    given: dict[str, Any] = {
        "model": "",
        "messages": ASKED,
        "tools": TOOLS,
        "max_tokens": 200,
        "extra_body": grammar(before + CALLED),
    }
    (choice,) = caller.chat.completions.create(**given).choices
    assert choice.finish_reason == "tool_calls"
    assert (choice.message.content or "") == before.rstrip()
    (call,) = choice.message.tool_calls or []
    assert (call.function.name, json.loads(call.function.arguments)) == ("add", {"a": 1})  # type: ignore[union-attr]
    text, calls, reasons = "", [], []
    for chunk in caller.chat.completions.create(**given, stream=True):
        (part,) = chunk.choices
        text += part.delta.content or ""
        calls += part.delta.tool_calls or []
        reasons.append(part.finish_reason)
    assert text == before
    assert [(c.index, c.function.name, c.function.arguments) for c in calls] == [
        (0, "add", '{"a": 1}')
    ]
    assert reasons[-1] == "tool_calls"


def test_tools_and_their_results_are_read_by_the_template(
    caller: OpenAI, with_tools: Running
) -> None:
    call: Any = {
        "id": "7",
        "type": "function",
        "function": {"name": "add", "arguments": '{"a": 5}'},
    }
    messages = [
        *ASKED,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "7", "content": "42"},
    ]
    said = "[user]12 + 30[assistant](add 5)[tool]42#7[assistant]"
    tools = "[tools]" + json.dumps(TOOLS) + "<tool_call>"
    tokenizer = tiny.make_tokenizer()
    for choice, text in (("auto", tools + said), ("none", said)):
        answer = caller.chat.completions.create(
            model="", messages=messages, tools=TOOLS, tool_choice=choice, max_tokens=1
        )
        assert answer.usage is not None
        assert answer.usage.prompt_tokens == len(tokenizer.encode(text).ids)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": NAMED | {"function": {"name": "sub"}}}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": {"type": "function", "name": "add"}}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": {"function": {"name": "add"}}}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": "any"}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": 3}, "tool_choice"),
        (
            {
                "tools": TOOLS,
                "tool_choice": "required",
                "response_format": {"type": "json_object"},
            },
            "response_format",
        ),
        ({"tools": [_tool("f", {"not": {}})], "tool_choice": "required"}, "tools"),
        ({"tools": [{"type": "code"}]}, "tools"),
        ({"functions": [TOOLS[0]["function"]]}, "functions"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    caller: OpenAI, fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        caller.chat.completions.create(model="", messages=ASKED, **fields)
    assert caught.value.param == param


def test_a_recipe_without_tools_refuses_them(client: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="no chat template with tools") as caught:
        client.chat.completions.create(model="", messages=ASKED, tools=TOOLS)
    assert caught.value.param == "tools"
    result: Any = [*ASKED, {"role": "tool", "tool_call_id": "7", "content": "42"}]
    with pytest.raises(BadRequestError, match="cannot read tools") as caught:
        client.chat.completions.create(model="", messages=result)
    assert caught.value.param == "messages"


ADD = ("add", {"a": 1})
TIME = ("time", {})
OBJECT = '{"name": "add", "parameters": {"a": 1}}'


@pytest.mark.parametrize(
    ("form", "text", "before", "called"),
    [
        (ToolForm.HERMES, CALLED, "", [ADD]),
        (ToolForm.HERMES, f"Well.\n{CALLED}\n{CALLED}", "Well.", [ADD, ADD]),
        (ToolForm.HERMES, CALLED.removesuffix("</tool_call>"), "", [ADD]),
        (ToolForm.HERMES, "<tool_call>\nno JSON</tool_call>", None, []),
        (ToolForm.HERMES, f'{CALLED}\n<tool_call>\n{{"name": "a', "", [ADD]),
        (ToolForm.HERMES, f"{CALLED}\n<tool_call>\nno JSON</tool_call>", None, []),
        (ToolForm.HERMES, "1 < 2 <tool", None, []),
        (ToolForm.MISTRAL, '[TOOL_CALLS][{"name": "add", "arguments": {"a": 1}}]', "", [ADD]),
        (ToolForm.MISTRAL, '[TOOL_CALLS]add[ARGS]{"a": 1}', "", [ADD]),
        (
            ToolForm.MISTRAL,
            '[TOOL_CALLS]add[ARGS]{"a": 1}[TOOL_CALLS]time[ARGS]{}',
            "",
            [ADD, TIME],
        ),
        (ToolForm.MISTRAL, "an [T", None, []),
        (ToolForm.LLAMA, '{"name": "add", "parameters": {"a": 1}}', "", [ADD]),
        (
            ToolForm.LLAMA,
            f'<|python_tag|>{OBJECT}; {{"name": "time", "parameters": {{}}}}',
            "",
            [ADD, TIME],
        ),
        (ToolForm.LLAMA, '{"a": 1}', None, []),
        (ToolForm.LLAMA, '{"name": "Bob", "age": 3}', None, []),
        (ToolForm.LLAMA, '{"a": ' + "[" * 100_000, None, []),
        (ToolForm.LLAMA, 'It is {"name": "add"}', None, []),
    ],
)
def test_formats_of_calls(
    form: ToolForm, text: str, before: str | None, called: list[tuple[str, Any]]
) -> None:
    expected = text if before is None else before
    for size in (1, 3, len(text)) if len(text) < 1000 else (len(text),):
        streamed = ToolText(form)
        said = "".join(streamed.push(text[at : at + size]) for at in range(0, len(text), size))
        rest, calls = streamed.finish()
        assert [(call.name, json.loads(call.arguments)) for call in calls] == called
        assert (said + rest).rstrip() == expected.rstrip()
    whole, calls = split_calls(text, form)
    assert whole == expected
    assert len(calls) == len(called)


@given(st.sampled_from(ToolForm), st.lists(st.sampled_from('<tol_ca>[TOL] {"n:}|ab'), max_size=30))
def test_no_text_is_lost(form: ToolForm, pieces: list[str]) -> None:
    streamed = ToolText(form)
    said = "".join(streamed.push(piece) for piece in pieces)
    rest, calls = streamed.finish()
    assert calls or said + rest == "".join(pieces)


def test_the_format_is_that_of_the_template() -> None:
    assert tool_form_of(TOOL_TEMPLATE) is ToolForm.HERMES
    assert tool_form_of("{{ tools }}[TOOL_CALLS]") is ToolForm.MISTRAL
    assert tool_form_of('{{ tools }} {"name": …, "parameters": …}') is ToolForm.LLAMA
    assert tool_form_of("{{ tools }}") is None
    assert tool_form_of("<tool_call>") is None


@pytest.mark.parametrize(
    ("arguments", "status"), [("[" * 100_000, 200), ('{"a": "\\ud800"}', 400), ("no JSON", 200)]
)
def test_arguments_that_cannot_be_read_are_no_error_of_the_server(
    with_tools: Running, arguments: str, status: int
) -> None:
    call = {"id": "7", "type": "function", "function": {"name": "add", "arguments": arguments}}
    messages = [*ASKED, {"role": "assistant", "tool_calls": [call]}]
    body = {"messages": messages, "max_tokens": 1}
    url = f"{with_tools.url}/v1/chat/completions"
    answer = httpx2.post(url, json=body, timeout=PATIENCE)
    assert answer.status_code == status
    if status == 400:
        assert "half a character (U+D800" in answer.json()["error"]["message"]


_INTEGER = {
    "type": "object",
    "properties": {"a": {"$ref": "#/$defs/number"}},
    "required": ["a"],
    "additionalProperties": False,
    "$defs": {"number": {"type": "integer", "minimum": 0, "maximum": 9}},
}
_EMPTY = {"type": "object", "properties": {}, "additionalProperties": False}
_FORCED = [_tool("add", _INTEGER), _tool("time", _EMPTY)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("choice", ["required", NAMED])
def test_a_call_is_forced(caller: OpenAI, choice: Any, seed: int) -> None:
    """Random weights would hardly write a call by themselves, nor arguments of the schema."""
    answer = caller.chat.completions.create(
        model="",
        messages=ASKED,
        tools=_FORCED,
        tool_choice=choice,
        parallel_tool_calls=False,
        max_tokens=200,
        temperature=1.0,
        seed=seed,
    )
    (made,) = answer.choices
    assert made.finish_reason == "tool_calls"
    assert made.message.content is None
    (call,) = made.message.tool_calls or ()
    assert call.type == "function"
    assert call.function.name in (("add", "time") if choice == "required" else ("add",))
    arguments = json.loads(call.function.arguments)
    if call.function.name == "add":
        assert arguments.keys() == {"a"}
        assert 0 <= arguments["a"] <= 9
    else:
        assert arguments == {}


def test_a_forced_call_is_streamed(caller: OpenAI) -> None:
    chunks = caller.chat.completions.create(
        model="",
        messages=ASKED,
        tools=_FORCED,
        tool_choice=NAMED,
        max_tokens=200,
        seed=1,
        stream=True,
    )
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert not any(delta.content for delta in deltas)
    (calls,) = (delta.tool_calls for delta in deltas if delta.tool_calls)
    assert calls[0].function is not None
    assert calls[0].function.name == "add"


def _accepts(grammar: str, text: str, special: dict[str, int]) -> bool:
    """Whether a grammar accepts a text, with a token for each byte and for each special text."""
    config = GenerationConfig(structure=GRAMMAR, structure_text=grammar)
    mask = StructuredOutput(_bytes_and(special), 256 + len(special) + 1, [0]).mask(config)
    assert mask is not None
    ids = _bytes_and(special).encode(text).ids
    try:
        return bool(mask.allowed(ids)[0])
    except StructureError:
        return False


def _bytes_and(special: dict[str, int]) -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<end>": 0} | {letter: place for place, letter in enumerate(alphabet, 1)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(special))
    return tokenizer


_LISTED = '[TOOL_CALLS] [{"name": "add", "arguments": {"a": 1}}]'


@pytest.mark.parametrize(
    ("form", "template", "text", "several", "accepted"),
    [
        (ToolForm.HERMES, "", CALLED, False, True),
        (ToolForm.HERMES, "", f"{CALLED}\n{CALLED}", True, True),
        (ToolForm.HERMES, "", f"{CALLED}\n{CALLED}", False, False),
        (ToolForm.HERMES, "", CALLED.replace("1", "10"), False, False),
        (ToolForm.HERMES, "", CALLED.replace("add", "sub"), False, False),
        (ToolForm.HERMES, "", "I add.", True, False),
        (ToolForm.LLAMA, "", OBJECT, True, True),
        (ToolForm.LLAMA, "", f"{OBJECT}; {OBJECT}", True, False),
        (ToolForm.MISTRAL, "", _LISTED, True, True),
        (ToolForm.MISTRAL, "", _LISTED.replace("] [", "]["), False, True),
        (ToolForm.MISTRAL, "", _LISTED[:-1] + ', {"name": "time", "arguments": {}}]', True, True),
        (ToolForm.MISTRAL, "", _LISTED[:-1] + ', {"name": "time", "arguments": {}}]', False, False),
        (ToolForm.MISTRAL, "[ARGS]", '[TOOL_CALLS]add[ARGS]{"a": 1}', False, True),
        (ToolForm.MISTRAL, "[ARGS]", "[TOOL_CALLS]time[ARGS]{}" * 2, True, True),
        (ToolForm.MISTRAL, "[ARGS]", "[TOOL_CALLS]time[ARGS]{}" * 2, False, False),
    ],
)
@pytest.mark.parametrize("special", [(), ("[TOOL_CALLS]", "[ARGS]", "<tool_call>", "</tool_call>")])
def test_grammars_of_forced_calls(
    form: ToolForm,
    template: str,
    text: str,
    several: bool,
    accepted: bool,
    special: tuple[str, ...],
) -> None:
    ids = {mark: 257 + place for place, mark in enumerate(special)}
    tools = [("add", _INTEGER), ("time", _EMPTY)]
    grammar = forced_calls(form, template, tools, ids.get, several=several)
    assert grammar is not None
    assert _accepts(grammar, text, ids) is accepted
    if accepted:
        assert split_calls(text, form)[1]


def test_a_format_with_ids_of_calls_cannot_be_forced() -> None:
    tools = [("time", _EMPTY)]
    template = "[TOOL_CALLS][CALL_ID][ARGS]"
    assert forced_calls(ToolForm.MISTRAL, template, tools, lambda text: None, several=True) is None
