"""A real vLLM server with two pairs, one of them LoRA, against plain forward passes.

It runs in the environment of ``make vllm-check``, and is skipped where vLLM is not installed.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import torch
from scipy.stats import chisquare

from app.attribution.attribution import TokenAttribution, attribute
from app.decoding.types import RoleLogits
from tests.inside_vllm.running_server import Asked, Server, requests_at_once

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed"),
]
SAMPLES = 400


def test_greedy_texts_of_one_client(server: Server) -> None:
    for asked in requests_at_once()[4:8]:
        assert server.complete(asked) == [server.models.greedy(asked)]


def test_greedy_texts_of_16_clients_some_of_which_are_preempted(server: Server) -> None:
    asked = requests_at_once()
    before = server.preemptions()
    with ThreadPoolExecutor(len(asked)) as clients:
        answers = list(clients.map(server.complete, asked))
    assert answers == [[server.models.greedy(each)] for each in asked]
    assert server.preemptions() > before


def test_sampled_frequencies(server: Server) -> None:
    asked = Asked((5, 80, 33, 7), (0.6, -0.4), 1)
    answers = server.complete(asked, n=SAMPLES, temperature=1, seed=3)
    counted = Counter(token for (token,) in answers)
    expected = torch.softmax(server.models.row(asked.prompt, asked.alphas), 0) * SAMPLES
    likely = (expected >= 5).nonzero()[:, 0].tolist()
    seen = [counted[token] for token in likely]
    wanted = [float(expected[token]) for token in likely]
    rest = SAMPLES - sum(seen), SAMPLES - sum(wanted)
    assert chisquare([*seen, rest[0]], [*wanted, rest[1]]).pvalue > 1e-4


def test_logprobs_are_those_of_the_tuned_distribution(server: Server) -> None:
    asked = Asked((5, 80, 33, 7), (1.0, 0.5), 1)
    body = {"prompt": list(asked.prompt), "max_tokens": 1, "logprobs": 1, "temperature": 0}
    answer = server.request("/v1/completions", body)
    (found,) = answer["choices"][0]["logprobs"]["token_logprobs"]
    expected = torch.log_softmax(server.models.row(asked.prompt, asked.alphas), 0).max()
    assert found == pytest.approx(float(expected), abs=1e-3)


def records_of(server: Server, asked: Asked, *, stream: bool) -> list[dict[str, Any]]:
    """What the server says of each token of a greedy text."""
    one, two = asked.alphas
    arguments = {"alpha.One": one, "alpha.Lora": two, "contributions": True}
    body = {"prompt": list(asked.prompt), "max_tokens": asked.tokens, "vllm_xargs": arguments}
    body |= {"temperature": 0, "stream": stream}
    path = "/v1/completions"
    contents = server.events(path, body) if stream else [server.request(path, body)]
    choices = [choice for content in contents for choice in content["choices"]]
    assert not any("token_ids" in choice for choice in choices)
    found = [choice.get("tuneshift", {"tokens": []})["tokens"] for choice in choices]
    return [record for records in found for record in records]


def expected_attribution(server: Server, asked: Asked, ids: list[int]) -> TokenAttribution:
    """What the last of ``ids`` got, by Tuneshift's own attribution of plain forward passes."""
    base, *pairs = (row.numpy() for row in server.models.rows([*asked.prompt, *ids[:-1]]))
    logits = RoleLogits(base, tuple(pairs[::2]), tuple(pairs[1::2]))
    return attribute(logits, asked.alphas, ids[-1])


def check_records(server: Server, asked: Asked, found: list[dict[str, Any]]) -> None:
    ids = server.models.greedy(asked)
    assert [record["token_id"] for record in found] == ids
    for place, record in enumerate(found):
        expected = expected_attribution(server, asked, ids[: place + 1])
        assert record["index"] == place
        assert record["alphas"] == list(asked.alphas)
        assert record["rank_tuned"] == 1
        assert record["candidates"]["token_ids"][0] == ids[place]
        assert record["flipped"] == expected.flipped
        for name in ("p_base", "p_tuned", "contributions", "entropy_tuned", "kl"):
            assert record[name] == pytest.approx(getattr(expected, name), abs=1e-4)


@pytest.mark.parametrize("stream", [False, True])
def test_contributions(server: Server, stream: bool) -> None:
    asked = Asked((5, 80, 33, 7), (1.0, 0.5), 12)
    check_records(server, asked, records_of(server, asked, stream=stream))
    base = replace(asked, alphas=(0.0, 0.0), tokens=3)
    found = records_of(server, base, stream=stream)
    check_records(server, base, found)
    assert [record["contributions"] for record in found] == [[0.0, 0.0]] * 3


def test_contributions_of_16_clients_some_of_which_are_preempted(server: Server) -> None:
    asked, before = requests_at_once(), server.preemptions()
    with ThreadPoolExecutor(len(asked)) as clients:
        found = list(clients.map(lambda each: records_of(server, each, stream=True), asked))
    for each, records in zip(asked, found, strict=True):
        check_records(server, each, records)
    assert server.preemptions() > before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"alpha": "much"}, "alpha must be a finite number"),
        ({"alpha.x": 1}, "There is no pair “x”"),
    ],
)
def test_an_alpha_that_is_not_valid(
    server: Server, arguments: dict[str, object], sentence: str
) -> None:
    status, message = server.request(
        "/v1/completions", {"prompt": "the king", "vllm_xargs": arguments}
    )
    assert status == 400
    assert sentence in message
