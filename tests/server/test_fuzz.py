"""Requests generated from the OpenAPI schema, and random bodies: never an internal error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error

from app.checkpoints.spec import Recipe
from app.server.chat_protocol import ChatRequest
from app.server.protocol import CompletionRequest
from tests.server.conftest import Running, Serve

EXAMPLES = 40


@pytest.fixture(scope="module")
def short(serve: Serve, served_recipe: Recipe) -> Iterator[Running]:
    """A server whose models read few tokens, since a fuzz asks for many."""
    with serve(recipe=replace(served_recipe, context=24)) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "/v1/models",
        "/v1/completions",
        "/v1/chat/completions",
        "/tokenize",
        "/detokenize",
        "/health",
        "/metrics",
    ],
)
def test_requests_generated_from_the_openapi_schema(short: Running, path: str) -> None:
    schema = schemathesis.openapi.from_url(f"{short.url}/openapi.json")
    method = "GET" if path in ("/v1/models", "/health", "/metrics") else "POST"

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=schema[path][method].as_strategy())
    def check_requests(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=[not_a_server_error], timeout=240)

    check_requests()


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.sampled_from(
    [name for request in (CompletionRequest, ChatRequest) for name in request.model_fields]
    + ["echo", "logit_bias", "tools", "response_format"]
)
bodies = st.one_of(
    st.binary(max_size=60),
    anything.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(names, anything, max_size=5).map(
        lambda body: json.dumps({"prompt": "a", "max_tokens": 2, **body}).encode()
    ),
)


@pytest.mark.slow
@settings(max_examples=3 * EXAMPLES)
@given(body=bodies, path=st.sampled_from(["/v1/completions", "/v1/chat/completions"]))
def test_random_json_bodies(short: Running, body: bytes, path: str) -> None:
    answer = httpx2.post(
        short.url + path, content=body, headers={"content-type": "application/json"}, timeout=240
    )
    assert answer.status_code in (200, 400, 404), (answer.status_code, answer.text)
    if answer.status_code != 200:
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_malformed_bodies(short: Running) -> None:
    nested = b'{"prompt":' * 20_000
    for body in (b"", b"\xff", b'{"prompt": "\\ud800"}', b'{"seed": 1e999}', nested, b"[" * 50_000):
        answer = httpx2.post(
            f"{short.url}/v1/completions",
            content=body,
            headers={"content-type": "application/json"},
            timeout=240,
        )
        assert answer.status_code == 400, (body[:20], answer.text)
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
