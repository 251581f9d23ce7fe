"""Programs for clients other than ``openai``, each run in a process of its own.

``pip install litellm langchain-openai`` installs the clients; the suite does not, since they bring
much. ``CLIENTS_PYTHON`` may name the interpreter of another environment that has them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

_PYTHON = os.environ.get("CLIENTS_PYTHON", sys.executable)
_SECONDS = 600
SCHEMA: dict[str, Any] = {
    "title": "kind",
    "type": "object",
    "properties": {"kind": {"enum": ["a", "bb"]}},
    "required": ["kind"],
    "additionalProperties": False,
}
LITELLM = """
import litellm
given = dict(model="openai/tuneshift", api_base=url, api_key="none",
             messages=[{"role": "user", "content": "the king said"}], temperature=0)
stream = litellm.completion(**given, max_tokens=8, stream=True)
form = {"type": "json_schema", "json_schema": {"name": "kind", "schema": schema}}
structured = litellm.completion(**given, response_format=form, max_tokens=200)
tell(
    litellm.completion(**given, max_tokens=8).choices[0].message.content,
    "".join(chunk.choices[0].delta.content or "" for chunk in stream),
    json.loads(structured.choices[0].message.content)["kind"],
)
"""
LANGCHAIN = """
from langchain_openai import ChatOpenAI
def model(tokens):
    return ChatOpenAI(
        model="tuneshift", base_url=url, api_key="none", max_tokens=tokens, temperature=0
    )
structured = model(200).with_structured_output(schema, method="json_schema")
tell(
    model(8).invoke("the king said").content,
    "".join(chunk.content for chunk in model(8).stream("the king said")),
    structured.invoke("the king said")["kind"],
)
"""
LITELLM_TOOLS = """
import litellm
function = {"name": "kind", "parameters": schema, "strict": True}
def called(choice, **options):
    return litellm.completion(
        model="openai/tuneshift", api_base=url, api_key="none", max_tokens=200, temperature=0,
        tool_choice=choice,
        messages=[{"role": "user", "content": "the king said"}],
        tools=[{"type": "function", "function": function}], **options)
(made,) = called("required", parallel_tool_calls=False).choices[0].message.tool_calls
named = {"type": "function", "function": {"name": "kind"}}
parts = [chunk.choices[0].delta.tool_calls for chunk in called(named, stream=True)]
streamed = "".join(call.function.arguments or "" for calls in parts for call in calls or ())
tell(*(json.loads(arguments)["kind"] for arguments in (made.function.arguments, streamed)))
"""
LANGCHAIN_TOOLS = """
from langchain_openai import ChatOpenAI
model = ChatOpenAI(
    model="tuneshift", base_url=url, api_key="none", max_tokens=200, temperature=0)
structured = model.with_structured_output(schema, method="function_calling", strict=True)
bound = model.bind_tools([schema], tool_choice="any", parallel_tool_calls=False, strict=True)
(call,) = bound.invoke("the king said").tool_calls
tell(structured.invoke("the king said")["kind"], call["args"]["kind"])
"""
_BEFORE = """
import json, sys
url, schema = sys.argv[1], json.loads(sys.argv[2])
def tell(*found):
    print(json.dumps(found))
"""


def told(module: str, program: str, url: str) -> list[Any]:
    """What a program that uses a client tells, run in a process of its own.

    Args:
        module: The client; the test is skipped where it is not installed.
        program: One of the programs above.
        url: The address of a server with a model ``tuneshift``, up to ``/v1``.
    """
    if sys.executable == _PYTHON and find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    # Litellm would ask a server for prices when it is imported.
    environment = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONPATH": ""}
    done = subprocess.run(
        [_PYTHON, "-c", _BEFORE + program, url, json.dumps(SCHEMA)],
        env=environment,
        capture_output=True,
        timeout=_SECONDS,
    )
    assert done.returncode == 0, done.stderr.decode()
    found: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return found
