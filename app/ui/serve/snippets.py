"""What to type elsewhere to ask the API, to be copied."""

from __future__ import annotations

import json
import shlex

MODEL = "tuneshift"
"""A name that means whatever is loaded."""
KEY_VARIABLE = "TUNESHIFT_KEY"
_QUESTION = "Why is the sky blue?"


def curl_snippet(url: str, *, key: bool) -> str:
    """A command for a shell.

    Args:
        url: The base address of the API.
        key: Whether a key has to be shown; it is taken from the environment and not written out.
    """
    messages = json.dumps([{"role": "user", "content": _QUESTION}])
    body = f'{{"model": "{MODEL}",\n       "messages": {messages}}}'
    lines = [f"curl {shlex.quote(f'{url}/chat/completions')}"]
    lines += [f'-H "Authorization: Bearer ${KEY_VARIABLE}"'] if key else []
    lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(body)}"]
    return " \\\n  ".join(lines)


def python_snippet(url: str, alphas: tuple[float, ...], *, key: bool) -> str:
    """A program for the ``openai`` package, which asks with weights and reads the explanation.

    Args:
        url: The base address of the API.
        alphas: The weights in force.
        key: Whether a key has to be shown; it is taken from the environment and not written out.
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
