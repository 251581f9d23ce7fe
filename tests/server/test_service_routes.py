"""The endpoints that generate nothing: models, tokens, health and metrics."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from openai import OpenAI
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from app.checkpoints.spec import Recipe
from app.server.access import Access
from app.server.server_events import ServerStats
from app.server.server_metrics import Metrics
from tests import tiny
from tests.server.conftest import PATIENCE, Running, Serve

PROMPT = "the king said to the sea"


@pytest.fixture(scope="module")
def tokenizer(llama: tiny.Family) -> PreTrainedTokenizerBase:
    made: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(llama.base)
    return made


def post(server: Running, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    answer = httpx2.post(server.url + path, json=body, timeout=PATIENCE)
    return answer.status_code, answer.json()


def test_a_model_has_its_context_length_and_the_time_of_its_load(client: OpenAI) -> None:
    (listed,) = client.models.list().data
    assert listed.max_model_len == listed.context_length == tiny.CONTEXT  # type: ignore[attr-defined]
    assert 1_700_000_000 < listed.created <= time.time()
    assert client.models.retrieve(listed.id).created == listed.created


def test_the_context_length_is_the_recipes_if_that_is_shorter(
    serve: Serve, served_recipe: Recipe
) -> None:
    with serve(recipe=replace(served_recipe, context=24)) as running, running.client() as client:
        assert client.models.list().data[0].max_model_len == 24  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/tuneshift", "/health"])
def test_head_has_the_headers_of_get_and_no_body(server: Running, path: str) -> None:
    got, headed = (
        httpx2.get(server.url + path, timeout=PATIENCE),
        httpx2.head(server.url + path, timeout=PATIENCE),
    )
    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["content-length"] == got.headers["content-length"]
    assert got.content


def test_health_needs_no_key_and_everything_else_does(serve: Serve) -> None:
    with serve(access=Access("127.0.0.1", key="secret")) as running:
        assert httpx2.get(f"{running.url}/health", timeout=PATIENCE).json() == {"status": "ok"}
        for path in ("/v1/models", "/metrics", "/healthy"):
            assert httpx2.get(running.url + path, timeout=PATIENCE).status_code == 401


def test_tokens_of_a_text_are_those_of_the_base(
    server: Running, tokenizer: PreTrainedTokenizerBase
) -> None:
    ids = tokenizer(PROMPT)["input_ids"]
    status, answer = post(server, "/tokenize", prompt=PROMPT)
    assert (status, answer) == (
        200,
        {"count": len(ids), "max_model_len": tiny.CONTEXT, "tokens": ids},
    )
    assert post(server, "/detokenize", tokens=ids) == (200, {"prompt": PROMPT})
    assert post(server, "/tokenize", prompt="")[1]["tokens"] == []
    plain = post(server, "/tokenize", prompt="king", add_special_tokens=False)[1]["tokens"]
    assert plain == tokenizer("king", add_special_tokens=False)["input_ids"]


def test_tokens_of_messages_are_those_of_the_request_with_them(
    server: Running, client: OpenAI, tokenizer: PreTrainedTokenizerBase
) -> None:
    messages = [{"role": "user", "content": "the king"}]
    _, answer = post(server, "/tokenize", messages=messages)
    assert tokenizer.decode(answer["tokens"]) == "User:\nthe king\n\nAssistant:\n"
    said = client.chat.completions.create(model="", messages=messages, max_tokens=1)  # type: ignore[arg-type]
    assert said.usage is not None
    assert answer["count"] == said.usage.prompt_tokens
    messages.append({"role": "assistant", "content": "a"})
    _, answer = post(server, "/tokenize", messages=messages, continue_final_message=True)
    assert tokenizer.decode(answer["tokens"]).endswith("Assistant:\na")


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/tokenize", {}, "prompt"),
        ("/tokenize", {"prompt": "a", "messages": [{"role": "user", "content": "a"}]}, "prompt"),
        ("/tokenize", {"prompt": 3}, "prompt"),
        ("/tokenize", {"messages": [{"role": "user", "content": ""}]}, "messages"),
        ("/detokenize", {"tokens": [9, 100_000]}, "tokens"),
        ("/detokenize", {"tokens": "a"}, "tokens"),
    ],
)
def test_what_has_no_tokens_is_refused(
    server: Running, path: str, body: dict[str, Any], param: str
) -> None:
    status, answer = post(server, path, **body)
    assert (status, answer["error"]["param"]) == (400, param)


def test_no_model_has_no_health_and_no_tokens(serve: Serve) -> None:
    with serve() as running:
        running.queue.model = None
        for status in (
            httpx2.get(f"{running.url}/health", timeout=PATIENCE).status_code,
            post(running, "/tokenize", prompt="a")[0],
        ):
            assert status == 503


def values(text: str) -> dict[str, float]:
    """What Prometheus reads: every line is a comment, or a name with its labels and a number."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            assert re.fullmatch(r"tuneshift_[a-z_]+(\{[a-z]+=\"[^\"]+\"\})?", name)
            found[name] = float(value)
    return found


def test_metrics_count_requests_and_tokens_and_hold_no_prompts(serve: Serve) -> None:
    with serve() as running, running.client() as client:
        answers = [client.completions.create(model="", prompt=PROMPT, n=2) for _ in range(2)]
        with pytest.raises(Exception, match="context"):
            client.completions.create(model="", prompt="king " * 600)
        answer = httpx2.get(f"{running.url}/metrics", timeout=PATIENCE)
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert "king" not in answer.text
        found = values(answer.text)
    usages = [answer.usage for answer in answers if answer.usage]
    assert found["tuneshift_requests_total"] == 3
    assert found['tuneshift_generations_total{outcome="finished"}'] == 4
    assert found['tuneshift_generations_total{outcome="failed"}'] == 1
    assert found["tuneshift_generated_tokens_total"] == sum(u.completion_tokens for u in usages)
    assert found["tuneshift_prompt_tokens_total"] == 2 * sum(u.prompt_tokens for u in usages)
    assert found["tuneshift_generation_seconds_count"] == 5
    assert found["tuneshift_time_to_first_token_seconds_count"] == 4
    assert found["tuneshift_generations_running"] == found["tuneshift_generations_waiting"] == 0


def test_times_are_counted_by_upper_bounds() -> None:
    now = iter([0.0, 0.1, 7.0, 10.0, 400.0])
    metrics = Metrics(lambda: next(now))
    times = metrics.begin()
    for _ in range(3):
        times.add_token()
    times.finish(cached_tokens=5)
    times.close()
    metrics.begin().close()
    found = values(metrics.text(ServerStats()))
    buckets = [
        value for name, value in found.items() if name.startswith("tuneshift_generation_seconds_b")
    ]
    assert buckets == [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2]
    assert found["tuneshift_generation_seconds_sum"] == 397.0
    assert found['tuneshift_time_to_first_token_seconds_bucket{le="0.1"}'] == 1
    assert found['tuneshift_generations_total{outcome="cancelled"}'] == 1
    assert found["tuneshift_cached_prompt_tokens_total"] == 5
