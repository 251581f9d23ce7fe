"""Example code that sends a request to the API server."""

from __future__ import annotations

import json
import shlex

MODEL = "tuneshift"
"""The model name that stands for the loaded recipe."""
KEY_VARIABLE = "TUNESHIFT_KEY"
_QUESTION = "Why is the sky blue?"


def curl_snippet(url: str, *, key: bool) -> str:
    """A curl command for a shell.

    Args:
        url: The base address of the API.
        key: Whether the server requires a key; the command reads it from the environment.
    """
    messages = json.dumps([{"role": "user", "content": _QUESTION}])
    body = f'{{"model": "{MODEL}",\n       "messages": {messages}}}'
    lines = [f"curl {shlex.quote(f'{url}/chat/completions')}"]
    lines += [f'-H "Authorization: Bearer ${KEY_VARIABLE}"'] if key else []
    lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(body)}"]
    return " \\\n  ".join(lines)


def python_snippet(url: str, alphas: tuple[float, ...], *, key: bool) -> str:
    """A program with the ``openai`` package that sets alphas and reads the explanation.

    Args:
        url: The base address of the API.
        alphas: The alphas in force.
        key: Whether the server requires a key; the program reads it from the environment.
    """
    shown = f'os.environ["{KEY_VARIABLE}"]' if key else '"none"'
    head = "import os\n\n" if key else ""
    return f"""{head}from openai import OpenAI

client = OpenAI(base_url={json.dumps(url)}, api_key={shown})
answer = client.chat.completions.create(
    model="{MODEL}",
    messages=[{{"role": "user", "content": "{_QUESTION}"}}],
    extra_body={{"alphas": {json.dumps(list(alphas))}}},
)
print(answer.choices[0].message.content)
for token in answer.choices[0].tuneshift["tokens"]:
    print(token["text"], token["p_base"], token["p_tuned"], token["contributions"])
"""
