"""Clients other than ``openai``, each in a process of its own, where they are installed.

``pip install litellm langchain-openai`` installs them; the suite does not, since they bring much.
``CLIENTS_PYTHON`` may name the interpreter of another environment that has them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest
from openai import OpenAI

from tests.server.conftest import PATIENCE, Running

PYTHON = os.environ.get("CLIENTS_PYTHON", sys.executable)
_SCHEMA: dict[str, Any] = {
    "title": "kind",
    "type": "object",
    "properties": {"kind": {"enum": ["a", "bb"]}},
    "required": ["kind"],
    "additionalProperties": False,
}
_LITELLM = """
import litellm
given = dict(model="openai/tuneshift", api_base=url, api_key="none",
             messages=[{"role": "user", "content": "the king said"}])
stream = litellm.completion(**given, stream=True)
form = {"type": "json_schema", "json_schema": {"name": "kind", "schema": schema}}
structured = litellm.completion(**given, response_format=form, max_tokens=200)
tell(
    litellm.completion(**given).choices[0].message.content,
    "".join(chunk.choices[0].delta.content or "" for chunk in stream),
    json.loads(structured.choices[0].message.content)["kind"],
)
"""
_LANGCHAIN = """
from langchain_openai import ChatOpenAI
def model(tokens):
    return ChatOpenAI(model="tuneshift", base_url=url, api_key="none", max_tokens=tokens)
structured = model(200).with_structured_output(schema, method="json_schema")
tell(
    model(8).invoke("the king said").content,
    "".join(chunk.content for chunk in model(8).stream("the king said")),
    structured.invoke("the king said")["kind"],
)
"""
_LITELLM_TOOLS = """
import litellm
function = {"name": "kind", "parameters": schema}
def called(choice, **options):
    return litellm.completion(
        model="openai/tuneshift", api_base=url, api_key="none", max_tokens=200, tool_choice=choice,
        messages=[{"role": "user", "content": "the king said"}],
        tools=[{"type": "function", "function": function}], **options)
(made,) = called("required", parallel_tool_calls=False).choices[0].message.tool_calls
named = {"type": "function", "function": {"name": "kind"}}
parts = [chunk.choices[0].delta.tool_calls for chunk in called(named, stream=True)]
streamed = "".join(call.function.arguments or "" for calls in parts for call in calls or ())
tell(*(json.loads(arguments)["kind"] for arguments in (made.function.arguments, streamed)))
"""
_LANGCHAIN_TOOLS = """
from langchain_openai import ChatOpenAI
model = ChatOpenAI(model="tuneshift", base_url=url, api_key="none", max_tokens=200)
structured = model.with_structured_output(schema, method="function_calling")
bound = model.bind_tools([schema], tool_choice="any", parallel_tool_calls=False)
(call,) = bound.invoke("the king said").tool_calls
tell(structured.invoke("the king said")["kind"], call["args"]["kind"])
"""
_BEFORE = """
import json, sys
url, schema = sys.argv[1], json.loads(sys.argv[2])
def tell(*found):
    print(json.dumps(found))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "program"), [("litellm", _LITELLM), ("langchain_openai", _LANGCHAIN)]
)
def test_a_client_gets_what_openai_gets(
    server: Running, client: OpenAI, module: str, program: str
) -> None:
    said = client.chat.completions.create(
        model="tuneshift", messages=[{"role": "user", "content": "the king said"}]
    )
    answer, streamed, kind = _told(module, program, server)
    assert answer == streamed == said.choices[0].message.content
    assert kind in ("a", "bb")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "program"), [("litellm", _LITELLM_TOOLS), ("langchain_openai", _LANGCHAIN_TOOLS)]
)
def test_a_client_gets_the_calls_that_it_forces(
    with_tools: Running, module: str, program: str
) -> None:
    found = _told(module, program, with_tools)
    assert len(found) == 2
    assert set(found) <= {"a", "bb"}


def _told(module: str, program: str, server: Running) -> list[Any]:
    """What a program that uses a client tells, run in a process of its own."""
    if sys.executable == PYTHON and find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    # Litellm would ask a server for prices when it is imported.
    environment = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONPATH": ""}
    done = subprocess.run(
        [PYTHON, "-c", _BEFORE + program, f"{server.url}/v1", json.dumps(_SCHEMA)],
        env=environment,
        capture_output=True,
        timeout=5 * PATIENCE,
    )
    assert done.returncode == 0, done.stderr.decode()
    told: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return told
