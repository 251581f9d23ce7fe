"""The middleware that answers requests whose α is not valid."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.checkpoints.recipes.recipe_file import write_recipe
from app.inside_vllm.additional_config import RECIPE
from app.inside_vllm.admission import Admission
from tests import tiny


async def reading(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers with the length of the body, and hides what goes wrong."""
    length, more = 0, True
    status = 200
    try:
        while more:
            message = await receive()
            length += len(message["body"])
            more = message.get("more_body", False)
    except Exception:
        status = 418
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


async def locked(scope: Any, receive: Any, send: Any) -> None:
    """An application that refuses a key before it reads the body."""
    await send({"type": "http.response.start", "status": 401, "headers": []})
    await send({"type": "http.response.body", "body": b"no"})


@pytest.fixture
def state(llama: tiny.Family, tmp_path: Path) -> SimpleNamespace:
    file = tmp_path / "recipe.toml"
    write_recipe(llama.recipe(), file)
    config = SimpleNamespace(additional_config={RECIPE: str(file)})
    return SimpleNamespace(state=SimpleNamespace(vllm_config=config))


def ask(state: SimpleNamespace, body: bytes, app: Any = reading) -> tuple[int, bytes]:
    parts = [{"type": "http.request", "body": body[:9], "more_body": True}]
    parts.append({"type": "http.request", "body": body[9:]})
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Admission(app)({"type": "http", "method": "POST", "app": state}, receive, send))
    start, end = sent
    return start["status"], end["body"]


@pytest.mark.parametrize(
    "content",
    [
        {"prompt": "the king"},
        {"prompt": "the king", "vllm_xargs": {"alpha.Style": 0.5, "session_id": "x"}},
        {"prompt": "the king", "vllm_xargs": None},
        [1, 2],
    ],
)
def test_valid_requests_pass_unchanged(state: SimpleNamespace, content: object) -> None:
    body = json.dumps(content).encode()
    assert ask(state, body) == (200, str(len(body)).encode())


def test_a_body_that_is_no_json_is_left_to_the_application(state: SimpleNamespace) -> None:
    assert ask(state, b"{not json, and long enough") == (200, b"26")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"alpha": "much"}, "alpha must be a finite number"),
        ({"alpha.x": 1}, "There is no pair “x”"),
    ],
)
def test_invalid_requests_get_a_sentence(
    state: SimpleNamespace, arguments: dict[str, object], sentence: str
) -> None:
    status, body = ask(state, json.dumps({"vllm_xargs": arguments}).encode())
    assert status == 400
    assert sentence in json.loads(body)["error"]["message"]


def test_who_has_no_key_learns_no_names_of_pairs(state: SimpleNamespace) -> None:
    body = json.dumps({"vllm_xargs": {"alpha.x": 1}}).encode()
    assert ask(state, body, locked) == (401, b"no")
