"""Real clients of the API on a real vLLM server with pairs, as on the endpoint of Tuneshift."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai import BadRequestError, OpenAI

from tests import tiny
from tests.inside_vllm.running_server import NAME, Asked, Server
from tests.server.client_programs import (
    LANGCHAIN,
    LANGCHAIN_TOOLS,
    LITELLM,
    LITELLM_TOOLS,
    SCHEMA,
    told,
)

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed"),
    pytest.mark.parametrize("server", ["llama"], indirect=True),
]
TOKENS = 8
ASKED: dict[str, Any] = {
    "model": NAME,
    "messages": [{"role": "user", "content": "the king said"}],
    "temperature": 0,
}


@pytest.fixture
def client(server: Server) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.url, api_key="none", max_retries=0, timeout=200) as made:
        yield made


def greedy(server: Server, prompt: str, alphas: tuple[float, float] = (1.0, 0.5)) -> str:
    """The greedy text after a prompt, by plain forward passes, without half a character."""
    tokenizer = tiny.make_tokenizer()
    ids = tuple(tokenizer.encode(prompt).ids)
    text: str = tokenizer.decode(server.models.greedy(Asked(ids, alphas, TOKENS)))
    return text.rstrip("\ufffd")


def test_chat(server: Server, client: OpenAI) -> None:
    expected = greedy(server, "[user]the king said\n[assistant]")
    answer = client.chat.completions.create(**ASKED, max_tokens=TOKENS)
    assert (answer.choices[0].message.content or "").rstrip("\ufffd") == expected
    stream = client.chat.completions.create(**ASKED, max_tokens=TOKENS, stream=True)
    assert (
        "".join(chunk.choices[0].delta.content or "" for chunk in stream).rstrip("\ufffd")
        == expected
    )


def test_completions_with_alphas_and_contributions(server: Server, client: OpenAI) -> None:
    alphas = (0.5, -1.0)
    more = {"alpha.One": alphas[0], "alpha.Lora": alphas[1], "contributions": True}
    answer = client.completions.create(
        model=NAME,
        prompt="the king",
        max_tokens=TOKENS,
        temperature=0,
        extra_body={"vllm_xargs": more},
    )
    (choice,) = answer.choices
    assert choice.text.rstrip("\ufffd") == greedy(server, "the king", alphas)
    tokens = (choice.model_extra or {})["tuneshift"]["tokens"]
    assert "".join(token["text"] for token in tokens).startswith(choice.text.rstrip("\ufffd"))
    assert [token["alphas"] for token in tokens] == [list(alphas)] * len(tokens)


def test_structured_output(server: Server, client: OpenAI) -> None:
    form: Any = {"type": "json_schema", "json_schema": {"name": "kind", "schema": SCHEMA}}
    answer = client.chat.completions.create(**ASKED, max_tokens=200, response_format=form)
    assert json.loads(answer.choices[0].message.content or "")["kind"] in ("a", "bb")


def test_an_alpha_that_no_pair_has(client: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="There is no pair “x”"):
        client.chat.completions.create(**ASKED, extra_body={"vllm_xargs": {"alpha.x": 1}})


@pytest.mark.parametrize(
    ("module", "program"), [("litellm", LITELLM), ("langchain_openai", LANGCHAIN)]
)
def test_another_client_gets_the_same_text(server: Server, module: str, program: str) -> None:
    answer, streamed, kind = told(module, program, server.url)
    assert answer == streamed
    assert answer.rstrip("\ufffd") == greedy(server, "[user]the king said\n[assistant]")
    assert kind in ("a", "bb")


@pytest.mark.parametrize(
    ("module", "program"), [("litellm", LITELLM_TOOLS), ("langchain_openai", LANGCHAIN_TOOLS)]
)
def test_another_client_gets_the_calls_that_it_forces(
    server: Server, module: str, program: str
) -> None:
    found = told(module, program, server.url)
    assert len(found) == 2
    assert set(found) <= {"a", "bb"}
