"""Several clients at once: each gets the text of one client, and none stands in another's way."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import OpenAI

from app.checkpoints.conversation import RawText
from app.decoding.batch_model import PaddedModel
from app.engine import parallel_runs
from app.engine.commands import Generate
from app.server import request_queue
from app.server.responses import CancellableStream
from app.settings import PARALLEL_REQUESTS
from tests import tiny
from tests.bridged_recipes import bridged_recipe
from tests.server.conftest import PATIENCE, Running, Serve
from tests.server.test_api import MODEL, PROMPT, Headless, headless

__all__ = ["headless"]  # the fixture

pytestmark = [pytest.mark.server, pytest.mark.slow]

ASKED: list[dict[str, Any]] = [
    {"prompt": PROMPT, "max_tokens": 40},
    {"prompt": "the sea", "max_tokens": 30, "temperature": 1.2, "seed": 3, "top_p": 0.9},
    {"prompt": "How many? 12", "max_tokens": 25, "extra_body": {"alphas": [-2.0]}},
    {"prompt": "the king", "max_tokens": 35, "stop": ["e"], "temperature": 1.5, "seed": 8},
    {"prompt": "thou art", "max_tokens": 20, "extra_body": {"repetition_penalty": 1.3}},
    {"prompt": "the night", "max_tokens": 9, "temperature": 0.9, "seed": 11},
]


class Gate:
    """Holds the engine at its first token until a number of runs have been asked for.

    Attributes:
        sizes: The number of rows of each batched forward pass.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, runs: int) -> None:
        self.sizes: list[int] = []
        asked: list[Generate] = []
        all_asked = threading.Event()
        extend, attribute = PaddedModel.extend, parallel_runs.attribute_step

        def counted(model: PaddedModel, tokens: Any) -> Any:
            self.sizes.append(len(tokens))
            return extend(model, tokens)

        def made(*arguments: Any, **options: Any) -> Generate:
            asked.append(Generate(*arguments, **options))
            if len(asked) == runs:
                all_asked.set()
            return asked[-1]

        def hold(*arguments: Any, **options: Any) -> Any:
            assert all_asked.wait(PATIENCE)
            return attribute(*arguments, **options)

        monkeypatch.setattr(PaddedModel, "extend", counted)
        monkeypatch.setattr(request_queue, "Generate", made)
        monkeypatch.setattr(parallel_runs, "attribute_step", hold)


def fields(asked: dict[str, Any]) -> dict[str, Any]:
    """The request as the engine's settings."""
    named = {**asked, **asked.get("extra_body", {})}
    alphas = named.pop("alphas", [None])
    named.pop("extra_body", None)
    named["max_new_tokens"] = named.pop("max_tokens")
    if "stop" in named:
        named["stop"] = tuple(named["stop"])
    return {**named, "alpha": alphas[0]}


def test_clients_side_by_side_get_the_texts_of_one_client(
    client: OpenAI, headless: Headless, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, len(ASKED))

    def ask(asked: dict[str, Any]) -> Any:
        return client.completions.create(model=MODEL, **asked)

    with ThreadPoolExecutor(len(ASKED)) as pool:
        answers = list(pool.map(ask, ASKED))
    assert max(gate.sizes) >= len(ASKED) - 1
    for asked, answer in zip(ASKED, answers, strict=True):
        expected = headless.run(**fields(asked))
        (choice,) = answer.choices
        assert choice.text == "".join(event.step.text for event in expected)
        explained = choice.tuneshift["tokens"]
        assert len(explained) == len(expected)
        for found, event in zip(explained, expected, strict=True):
            assert found["token_id"] == event.step.token_id
            assert found["p_base"] == pytest.approx(event.attribution.p_base, abs=1e-5)
            assert found["p_tuned"] == pytest.approx(event.attribution.p_tuned, abs=1e-5)
            wanted = list(event.attribution.contributions)
            assert found["contributions"] == pytest.approx(wanted, abs=1e-5)


def test_clients_of_a_bridged_recipe_get_the_texts_of_one_client(
    serve: Serve, llama: tiny.Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampling = replace(llama.recipe().sampling, temperature=0.0, max_new_tokens=10)
    recipe = replace(bridged_recipe(llama, tmp_path), name="Tiny: bridged", sampling=sampling)
    engine = Headless(recipe)
    prompts = (PROMPT, "the sea", "How many? 12")
    gate = Gate(monkeypatch, len(prompts))
    with serve(recipe) as server, server.client() as client:

        def ask(prompt: str) -> Any:
            return client.completions.create(model="tiny-bridged", prompt=prompt)

        with ThreadPoolExecutor(len(prompts)) as pool:
            answers = list(pool.map(ask, prompts))
    assert max(gate.sizes) >= len(prompts) - 1
    for prompt, answer in zip(prompts, answers, strict=True):
        (choice,) = answer.choices
        assert choice.text == engine.text(RawText(prompt))
        assert all(0.0 < token["coverage"] <= 1.0 for token in choice.tuneshift["tokens"])


def test_choices_of_one_request_are_decoded_side_by_side(
    client: OpenAI, headless: Headless, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, PARALLEL_REQUESTS)
    asked = {"temperature": 1.2, "seed": 5, "max_tokens": 30}
    stream = client.completions.create(
        model=MODEL,
        prompt=PROMPT,
        n=12,
        stream=True,
        stream_options={"include_usage": True},
        **asked,
    )
    texts = [""] * 12
    chunks = list(stream)
    for chunk in chunks[:-1]:
        assert chunk.usage is None
        (choice,) = chunk.choices
        texts[choice.index] += choice.text
    assert max(gate.sizes) >= PARALLEL_REQUESTS - 1
    for index, text in enumerate(texts):
        wanted = headless.text(temperature=1.2, seed=5 + index, max_new_tokens=30)
        assert text == wanted
    usage = chunks[-1].usage
    assert usage.prompt_tokens == headless.prompt_tokens
    assert chunks[-1].choices == []


def streamed(server: Running, **options: Any) -> str:
    body = {"prompt": PROMPT, "max_tokens": 3, "stream": True, **options}
    return httpx2.post(f"{server.url}/v1/completions", json=body, timeout=PATIENCE).text


def test_every_chunk_has_usage_only_if_it_is_asked_for(server: Running) -> None:
    def chunks(**options: Any) -> list[dict[str, Any]]:
        lines = streamed(server, **options).splitlines()
        return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]

    assert all("usage" not in chunk for chunk in chunks())
    asked = {"include_usage": True, "include_obfuscation": True}
    *others, last = chunks(stream_options=asked)
    assert all(chunk["usage"] is None and "obfuscation" not in chunk for chunk in others)
    assert last["usage"]["completion_tokens"] == 3


def test_a_client_that_disconnects_frees_its_row_and_the_others_go_on(
    server: Running, client: OpenAI, headless: Headless, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, 2)
    beside, gone = threading.Event(), threading.Event()
    rows: list[int] = []
    attribute = parallel_runs.attribute_step

    class Watched(request_queue.Cancellation):
        def request(self) -> None:
            super().request()
            gone.set()

    def hold(*arguments: Any, **options: Any) -> Any:
        if 2 in gate.sizes and not rows:
            beside.set()
            assert gone.wait(PATIENCE)
            rows.append(len(gate.sizes))
        return attribute(*arguments, **options)

    monkeypatch.setattr(request_queue, "Cancellation", Watched)
    monkeypatch.setattr(parallel_runs, "attribute_step", hold)
    body = json.dumps({"prompt": "the sea", "max_tokens": 400, "stream": True})
    head = f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}"
    with ThreadPoolExecutor() as pool:
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
            connection.sendall(f"{head}\r\nContent-Type: application/json\r\n\r\n{body}".encode())
            asked = {"prompt": PROMPT, "max_tokens": 60}
            staying = pool.submit(client.completions.create, model=MODEL, **asked)
            assert beside.wait(PATIENCE)
        answer = staying.result(PATIENCE)
    monkeypatch.undo()
    assert answer.choices[0].text == headless.text(max_new_tokens=60)
    contexts = 3
    assert set(gate.sizes[rows[0] + contexts :]) <= {1}


class Slow:
    """Events that come when they are let."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def events(self) -> AsyncGenerator[bytes, None]:
        await self.go_on.wait()
        yield b"data: {}\n\n"


def test_headers_come_before_the_first_event_and_comments_keep_the_stream_alive() -> None:
    async def main() -> list[dict[str, Any]]:
        slow, sent = Slow(), []

        async def send(message: Any) -> None:
            sent.append(message)
            if message.get("body") == b": waiting\n\n":
                slow.go_on.set()

        async def receive() -> Any:
            await asyncio.Event().wait()

        response = CancellableStream(slow.events(), PATIENCE, first_pause=0.001)
        await response({"type": "http"}, receive, send)
        return sent

    start, *bodies = asyncio.run(main())
    assert start["status"] == 200
    assert [message["body"] for message in bodies] == [b": waiting\n\n", b"data: {}\n\n", b""]


def test_headers_come_as_soon_as_the_prompt_is_accepted(server: Running) -> None:
    assert streamed(server).startswith(": reading the prompt\n\n")


def test_a_prompt_that_is_too_long_is_refused_before_the_headers(server: Running) -> None:
    body = {"prompt": "the king " * 400, "stream": True}
    answer = httpx2.post(f"{server.url}/v1/completions", json=body, timeout=PATIENCE)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "context_length_exceeded"
