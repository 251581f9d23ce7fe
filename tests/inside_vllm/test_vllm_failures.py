"""Requests that fail or are cancelled in a real vLLM server: the others and the engine go on."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.inside_vllm.running_server import Asked, Server, requests_at_once
from tests.inside_vllm.watched_server import DAMAGED, FULL_ALONE, FULL_STEP, Watch, watched

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed"),
]
NO_NUMBERS = "computed logits that are not numbers"
NO_MEMORY = "The memory of a device was not enough"
PATH = "/v1/completions"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Watch]]:
    with watched(tmp_path_factory.mktemp("w")) as found:
        yield found


@pytest.fixture
def server(both: tuple[Server, Watch]) -> Iterator[Server]:
    """The server, which answers as ever after the test."""
    server, _ = both
    yield server
    after = Asked((5, 80, 33, 7), (1.0, 0.5), 6)
    assert server.complete(after) == [server.models.greedy(after)]


def body(prompt: list[int], **more: Any) -> dict[str, Any]:
    return {"prompt": prompt, "max_tokens": 8, "temperature": 0, **more}


@pytest.mark.parametrize(
    ("token", "sentence"),
    [(DAMAGED, NO_NUMBERS), (FULL_ALONE, NO_MEMORY), (FULL_STEP, NO_MEMORY)],
)
def test_a_request_that_fails_is_answered_with_the_reason(
    server: Server, token: int, sentence: str
) -> None:
    status, message = server.request(PATH, body([5, token, 7]))
    assert status == 500
    assert sentence in message
    (event,) = server.events(PATH, body([5, token, 7], stream=True))
    assert event["error"]["code"] == 500
    assert event["error"]["message"] == message


def test_a_text_that_fails_in_the_middle(server: Server) -> None:
    """The first token is sampled before the expert has read it."""
    wanted = body([5, 80, 33], logit_bias={str(DAMAGED): 100}, stream=True)
    *events, last = server.events(PATH, wanted)
    assert sum(len(event["choices"]) for event in events) == 1
    assert NO_NUMBERS in last["error"]["message"]
    status, message = server.request(PATH, wanted | {"stream": False})
    assert status == 500
    assert NO_NUMBERS in message


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_that_fails_is_not_gone_on_with(server: Server, stream: bool) -> None:
    before = generated(server)
    wanted = body([5, DAMAGED, 7], ignore_eos=True, stream=stream) | {"max_tokens": 190}
    if stream:
        (event,) = server.events(PATH, wanted)
        assert NO_NUMBERS in event["error"]["message"]
    else:
        status, message = server.request(PATH, wanted)
        assert status == 500
        assert NO_NUMBERS in message
    assert server.complete(Asked((5, 80), (1.0, 0.5), 1))
    assert generated(server) - before < 100


def generated(server: Server) -> float:
    """How many tokens were sampled so far."""
    lines = server.request("/metrics").splitlines()
    name = "vllm:generation_tokens_total"
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def test_a_request_that_fails_leaves_the_others_as_they_are(server: Server) -> None:
    others = requests_at_once()[:12]
    failing = [body([5, token, 7]) for token in (DAMAGED, FULL_ALONE) * 2]
    with ThreadPoolExecutor(16) as clients:
        failed = [clients.submit(server.request, PATH, each) for each in failing]
        answers = list(clients.map(server.complete, others))
        failures = [each.result() for each in failed]
    assert answers == [[server.models.greedy(each)] for each in others]
    assert [status for status, _ in failures] == [500] * 4


@pytest.mark.parametrize("length", [77, 78])
def test_a_cancelled_request_frees_its_caches(
    both: tuple[Server, Watch], server: Server, length: int
) -> None:
    _, watch = both
    tokens = 170
    wanted = body([7] * length, ignore_eos=True, stream=True) | {"max_tokens": tokens}
    wanted["vllm_xargs"] = {"contributions": length == 78}
    with server.stream(PATH, wanted) as answer:
        watch.until(lambda state: state["held"] == [length])
        answer.readline()
    freed = watch.until(lambda state: not state["held"])
    ((held, generated),) = freed["generated"]
    assert held == length
    assert generated < tokens - 1
    assert freed["keys"] == 0
