"""Clients other than ``openai``, where they are installed (:mod:`client_programs`)."""

from __future__ import annotations

import pytest
from openai import OpenAI

from tests.server.client_programs import (
    LANGCHAIN,
    LANGCHAIN_TOOLS,
    LITELLM,
    LITELLM_TOOLS,
    told,
)
from tests.server.conftest import Running


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "program"), [("litellm", LITELLM), ("langchain_openai", LANGCHAIN)]
)
def test_a_client_gets_what_openai_gets(
    server: Running, client: OpenAI, module: str, program: str
) -> None:
    said = client.chat.completions.create(
        model="tuneshift", messages=[{"role": "user", "content": "the king said"}]
    )
    answer, streamed, kind = told(module, program, f"{server.url}/v1")
    assert answer == streamed == said.choices[0].message.content
    assert kind in ("a", "bb")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "program"), [("litellm", LITELLM_TOOLS), ("langchain_openai", LANGCHAIN_TOOLS)]
)
def test_a_client_gets_the_calls_that_it_forces(
    with_tools: Running, module: str, program: str
) -> None:
    found = told(module, program, f"{with_tools.url}/v1")
    assert len(found) == 2
    assert set(found) <= {"a", "bb"}
