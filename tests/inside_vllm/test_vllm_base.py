"""α = 0 against a second server of vLLM that knows nothing of Tuneshift."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.inside_vllm.running_server import Asked, Server, requests_at_once, running_base

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed"),
    pytest.mark.parametrize("server", ["llama"], indirect=True),
]


@pytest.fixture
def base(server: Server) -> Iterator[Server]:
    """A server of the same base without pairs."""
    with running_base(server.models) as found:
        yield found


def test_a_request_with_alpha_0_is_answered_as_by_vllm_without_the_processor(
    server: Server, base: Server
) -> None:
    asked = [replace(each, alphas=(0.0, 0.0)) for each in requests_at_once()]
    for each in asked[:4]:
        check_same(answer(server, each), answer(base, each))
        check_same(answer(server, each, sampled=True), answer(base, each, sampled=True))
    # Where others are tuned in the same steps, the rows of the base stay the same too.
    mixed = [each for pair in zip(asked, requests_at_once(), strict=True) for each in pair]
    with ThreadPoolExecutor(len(mixed)) as clients:
        together = list(clients.map(lambda each: answer(server, each), mixed))[::2]
        expected = list(clients.map(lambda each: answer(base, each), asked))
    for found, wanted in zip(together, expected, strict=True):
        check_same(found, wanted)


def answer(server: Server, asked: Asked, *, sampled: bool = False) -> dict[str, Any]:
    """The choice of a request, greedy or sampled with a seed."""
    one, two = asked.alphas
    body = {
        "prompt": list(asked.prompt),
        "max_tokens": asked.tokens,
        "temperature": 0.8 if sampled else 0,
        "seed": 7,
        "logprobs": 3,
        "return_token_ids": True,
        "vllm_xargs": {"alpha.One": one, "alpha.Lora": two},
    }
    (choice,) = server.request("/v1/completions", body)["choices"]
    found: dict[str, Any] = choice
    return found


def check_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found["token_ids"] == expected["token_ids"]
    assert found["text"] == expected["text"]
    assert found["finish_reason"] == expected["finish_reason"]
    logprobs, wanted = (each["logprobs"]["token_logprobs"] for each in (found, expected))
    # The rows of a batch are rounded differently than those of a text alone.
    assert logprobs == pytest.approx(wanted, abs=1e-4)
