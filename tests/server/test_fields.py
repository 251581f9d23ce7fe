"""Every field of the API, as the types of the openai package describe it: null, odd, and wrong."""

from __future__ import annotations

import json
from typing import Any, get_args, get_type_hints

import httpx2
import pytest
from openai.types import completion_create_params as completion
from openai.types.chat import completion_create_params as chat

from app.decoding.types import GenerationConfig
from app.errors import ContextLengthError, ModelError, PromptError
from app.server.api_errors import from_engine_error
from app.server.chat_protocol import ChatRequest
from app.server.protocol import CompletionRequest
from tests.server.conftest import Running

PROMPT = "the king said"
HELLO = [{"role": "user", "content": PROMPT}]
COMPLETION, CHAT = "/v1/completions", "/v1/chat/completions"
DEFAULTS = GenerationConfig(stop=("recipe's",), top_k=7, max_new_tokens=9)


def ask(server: Running, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    given = {"max_tokens": 1} | ({"prompt": PROMPT} if path == COMPLETION else {"messages": HELLO})
    answer = httpx2.post(server.url + path, json=given | body, timeout=240)
    return answer.status_code, answer.json()


def nullable(params: object) -> list[str]:
    hints = get_type_hints(params)
    return [name for name, hint in hints.items() if type(None) in get_args(hint)]


def test_every_field_may_be_null_that_may_be_null_in_the_api(server: Running) -> None:
    of_completion = nullable(completion.CompletionCreateParamsBase)
    of_chat = nullable(chat.CompletionCreateParamsBase)
    assert {"n", "stop", "max_tokens"} <= {*of_completion} & {*of_chat}
    nulls = dict.fromkeys([*of_completion, "stream", "top_k", "alphas", "explain", "user"])
    assert ask(server, COMPLETION, **(nulls | {"prompt": PROMPT}))[0] == 200
    nulls = dict.fromkeys([*of_chat, "stream", "top_k", "alphas", "explain", "model", "tools"])
    assert ask(server, CHAT, **nulls)[0] == 200
    assert ask(server, CHAT, stream_options={"include_usage": None})[0] == 200


def test_a_field_that_is_null_is_as_the_recipe_says() -> None:
    for request in (
        ChatRequest.model_validate({"messages": HELLO, "top_k": None, "max_tokens": None}),
        CompletionRequest.model_validate({"prompt": PROMPT, "stop": None, "max_tokens": -1}),
    ):
        config = request.config(DEFAULTS, 0)
        assert (config.stop, config.top_k, config.max_new_tokens) == (("recipe's",), 7, 9)


@pytest.mark.parametrize("stop", ["", [], [""]])
def test_an_empty_stop_string_is_none(stop: object) -> None:
    request = CompletionRequest.model_validate({"prompt": PROMPT, "stop": stop, "top_k": -1})
    config = request.config(DEFAULTS, 0)
    assert (config.stop, config.top_k) == ((), 0)


def test_bias_and_penalties_are_those_of_the_request(server: Running) -> None:
    body = {
        "prompt": PROMPT,
        "frequency_penalty": 0.5,
        "presence_penalty": -1,
        "logit_bias": {"11": 100, "12": -2.5},
    }
    config = CompletionRequest.model_validate(body).config(DEFAULTS, 0)
    assert (config.frequency_penalty, config.presence_penalty) == (0.5, -1.0)
    assert config.logit_bias == ((11, 100.0), (12, -2.5))
    nothing = CompletionRequest.model_validate({"prompt": PROMPT, "logit_bias": []})
    assert nothing.config(DEFAULTS, 0).logit_bias == ()
    for path in (COMPLETION, CHAT):
        status, answer = ask(server, path, logit_bias={"11": 100}, max_tokens=3)
        assert status == 200, answer
        tokens = answer["choices"][0]["tuneshift"]["tokens"]
        assert [token["token_id"] for token in tokens] == [11] * 3


PARTS = [{"type": "text", "text": "the "}, {"type": "text", "text": "king"}]


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "system", "content": "Be brief."}],
        [{"role": "developer", "content": PARTS}],
        [*HELLO, {"role": "assistant", "content": None}, *HELLO],
        [*HELLO, {"role": "assistant"}, *HELLO],
        [*HELLO, {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, *HELLO],
        [{"role": "user", "content": PARTS, "name": "Ann"}],
        [*HELLO, {"role": "assistant", "content": "a", "tool_calls": [], "refusal": None}],
    ],
)
def test_messages_that_are_answered(server: Running, messages: list[dict[str, Any]]) -> None:
    status, answer = ask(server, CHAT, messages=messages)
    assert status == 200, answer


def test_the_parts_of_a_message_are_its_text() -> None:
    request = ChatRequest.model_validate({"messages": [{"role": "user", "content": PARTS}]})
    assert request.conversation().last == "the king"


CALLS = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


@pytest.mark.parametrize(
    ("path", "body", "param", "code"),
    [
        (COMPLETION, {"prompt": None}, "prompt", "missing_required_parameter"),
        (COMPLETION, {"prompt": 3}, "prompt", "invalid_type"),
        (COMPLETION, {"prompt": "king " * 600}, "prompt", "context_length_exceeded"),
        (COMPLETION, {"prompt": [9, 100_000]}, "prompt", "invalid_value"),
        (COMPLETION, {"max_tokens": "2"}, "max_tokens", "invalid_type"),
        (COMPLETION, {"max_tokens": -2}, "max_tokens", "invalid_value"),
        (COMPLETION, {"max_tokens": 0}, "max_tokens", "invalid_value"),
        (COMPLETION, {"n": True}, "n", "invalid_type"),
        (COMPLETION, {"stream": "yes"}, "stream", "invalid_type"),
        (COMPLETION, {"temperature": "hot"}, "temperature", "invalid_type"),
        (COMPLETION, {"frequency_penalty": 2.5}, "frequency_penalty", "invalid_value"),
        (COMPLETION, {"presence_penalty": "a"}, "presence_penalty", "invalid_type"),
        (COMPLETION, {"logit_bias": {"a": 1}}, "logit_bias", "invalid_value"),
        (COMPLETION, {"logit_bias": {"1": 101}}, "logit_bias", "invalid_value"),
        (CHAT, {"logit_bias": [1]}, "logit_bias", "invalid_type"),
        (COMPLETION, {"best_of": 3}, "best_of", "unsupported_parameter"),
        (COMPLETION, {"echo": True, "stop": "a"}, "echo", "unsupported_value"),
        (CHAT, {"messages": []}, "messages", "invalid_value"),
        (CHAT, {"messages": None}, "messages", "missing_required_parameter"),
        (CHAT, {"messages": [{"role": "user"}]}, "messages", "missing_required_parameter"),
        (CHAT, {"messages": [{"role": "user", "content": "king " * 600}]}, "messages",
         "context_length_exceeded"),
        (CHAT, {"messages": [{"role": "user", "content": ""}]}, "messages", "invalid_value"),
        (CHAT, {"messages": [{"role": "tool", "content": "a"}]}, "messages", "invalid_value"),
        (CHAT, {"messages": [{"role": "assistant", "tool_calls": CALLS}, *HELLO]}, "messages",
         "invalid_value"),
        (CHAT, {"continue_final_message": True}, "messages", "invalid_value"),
        (CHAT, {"add_generation_prompt": False}, "add_generation_prompt", "unsupported_value"),
        (CHAT, {"tools": CALLS}, "tools", "unsupported_parameter"),
        (CHAT, {"response_format": {"type": "xml"}}, "response_format", "invalid_value"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_its_parameter_and_its_code(
    server: Running, path: str, body: dict[str, Any], param: str, code: str
) -> None:
    status, answer = ask(server, path, **body)
    assert status == 400, answer
    assert (answer["error"]["param"], answer["error"]["code"]) == (param, code)


@pytest.mark.parametrize("path", [COMPLETION, CHAT])
def test_half_a_character_is_the_clients_error(server: Running, path: str) -> None:
    body = json.dumps({"prompt": "\ud800", "messages": [{"role": "user", "content": "\ud800"}]})
    answer = httpx2.post(
        server.url + path, content=body, headers={"content-type": "application/json"}, timeout=240
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_value"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ContextLengthError("long"), 400, "context_length_exceeded"),
        (PromptError("empty"), 400, "invalid_value"),
        (ModelError("NaN"), 500, None),
    ],
)
def test_only_a_prompt_that_is_too_long_says_so(
    error: PromptError, status: int, code: str | None
) -> None:
    """Clients leave out the beginning of a conversation at that code."""
    answer = from_engine_error(error, "prompt")
    assert (answer.status, answer.code) == (status, code)


def test_best_of_as_many_as_are_asked_for_is_what_is_done_anyway(server: Running) -> None:
    assert ask(server, COMPLETION, best_of=2, n=2)[0] == 200
