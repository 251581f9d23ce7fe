"""Clients other than ``openai``, where they are installed: pip install litellm langchain-openai."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import OpenAI

from tests.server.conftest import Running

pytestmark = pytest.mark.filterwarnings("ignore")  # of the clients
MESSAGES: list[Any] = [{"role": "user", "content": "the king said"}]
SCHEMA: dict[str, Any] = {
    "title": "kind",
    "type": "object",
    "properties": {"kind": {"enum": ["a", "bb"]}},
    "required": ["kind"],
    "additionalProperties": False,
}


@pytest.fixture
def answer(client: OpenAI) -> str:
    """What the ``openai`` client gets."""
    said = client.chat.completions.create(model="tuneshift", messages=MESSAGES)
    return said.choices[0].message.content or ""


@pytest.fixture
def no_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Litellm asks a server for prices when it is imported, unless it is told not to."""
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")


def test_litellm(server: Running, answer: str, no_prices: None) -> None:
    litellm = pytest.importorskip("litellm")
    given = {
        "model": "openai/tuneshift",
        "messages": MESSAGES,
        "api_base": f"{server.url}/v1",
        "api_key": "none",
    }
    assert litellm.completion(**given).choices[0].message.content == answer
    stream = litellm.completion(**given, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == answer
    wanted = {"type": "json_schema", "json_schema": {"name": "kind", "schema": SCHEMA}}
    said = litellm.completion(**given, response_format=wanted, max_tokens=200)
    assert json.loads(said.choices[0].message.content)["kind"] in ("a", "bb")


def test_langchain(server: Running, answer: str) -> None:
    langchain = pytest.importorskip("langchain_openai")
    model = langchain.ChatOpenAI(
        model="tuneshift", base_url=f"{server.url}/v1", api_key="none", max_tokens=200
    )
    eight = langchain.ChatOpenAI(
        model="tuneshift", base_url=f"{server.url}/v1", api_key="none", max_tokens=8
    )
    assert eight.invoke("the king said").content == answer
    assert "".join(chunk.content for chunk in eight.stream("the king said")) == answer
    structured = model.with_structured_output(SCHEMA, method="json_schema")
    assert structured.invoke("the king said")["kind"] in ("a", "bb")
