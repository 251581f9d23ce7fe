"""What goes wrong at an endpoint: every failure is named, retried where that helps, and no text is
lost."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from dataclasses import replace

import httpx2
import pytest

from app.checkpoints.endpoint_address import Address, address_of
from app.checkpoints.endpoints import client as client_module
from app.checkpoints.endpoints import keys
from app.checkpoints.endpoints.endpoint_errors import of_status
from app.decoding.types import FinishReason
from app.engine.commands import Generate
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.events import Failed, Loaded, RunFinished, TokenDecoded
from app.history.provenance import recipe_to_store
from tests import tiny
from tests.checkpoints.endpoints import fake_server
from tests.checkpoints.endpoints.fake_server import FakeServer, Fault
from tests.checkpoints.endpoints.test_runs import PROMPT, Desk, behind, desk, finished, ids_of

__all__ = ["desk"]

SECRET = "sk-very-secret"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was slept before requests were made again; nothing really sleeps."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(client_module, "pause", sleep)
    return slept


@pytest.fixture
def loaded(server: FakeServer, desk: Desk, llama: tiny.Family, pauses: list[float]) -> Desk:
    desk.load(recipe(server, llama))
    assert isinstance(desk.last, Loaded), desk.last
    return desk


def recipe(server: FakeServer, llama: tiny.Family, **sampling: object):  # type: ignore[no-untyped-def]
    settings = {"temperature": 0.0, "max_new_tokens": 6, **sampling}
    return behind(server, llama.recipe(0.5, **settings), top=5)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(503, "starting"),
        Fault(500, "CUDA error"),
        Fault(429, "slow down"),
        Fault(429, "slow down", {"retry-after": "7"}),
        Fault(200, '{"choices": [', cut=True),
        Fault(200, '{"choices": ['),
    ],
    ids=["503", "500", "429", "429 with a time", "cut", "half"],
)
def test_what_may_pass_is_tried_again(
    server: FakeServer, loaded: Desk, llama: tiny.Family, pauses: list[float], fault: Fault
) -> None:
    expected = ids_of(loaded.generate(recipe(server, llama)))
    server.faults = [fault, fault]
    assert ids_of(loaded.generate(recipe(server, llama))) == expected
    traffic = finished(loaded).stats.endpoint_usage
    assert traffic is not None
    assert traffic.retries == len(pauses) == 2
    if fault.headers:
        assert pauses == [7.0, 7.0]
    else:
        assert 0.5 <= pauses[0] < pauses[1] < 1.5


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(503, "starting"), ["has a problem", "503", "starting"]),
        (Fault(429, "slow down"), ["asks for a pause", "429"]),
        (Fault(200, '{"choices": [', cut=True), ["lost in the middle of an answer"]),
        (Fault(200, "<html>log in</html>"), ["cannot be read", "log in"]),
    ],
    ids=["503", "429", "cut", "no JSON"],
)
def test_what_does_not_pass_is_said_and_the_text_is_kept(
    server: FakeServer,
    loaded: Desk,
    llama: tiny.Family,
    pauses: list[float],
    fault: Fault,
    said: list[str],
) -> None:
    expected = ids_of(loaded.generate(recipe(server, llama)))
    hold = Fault(change=lambda answer: None)
    server.faults = [hold, hold, hold, *[fault] * client_module.ATTEMPTS]
    tokens = loaded.generate(recipe(server, llama))
    assert ids_of(tokens) == expected[:3]
    assert all(part in loaded.error() for part in said), loaded.error()
    assert len(pauses) == client_module.ATTEMPTS - 1
    assert ids_of(loaded.generate(recipe(server, llama))) == expected  # and it works again


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            Fault(401, '{"error": {"message": "no key"}}'),
            ["requires a key", "keyring set tuneshift"],
        ),
        (Fault(404, '{"detail": "no model m"}'), ["no such model", "no model m", "address"]),
        (Fault(400, '{"message": "too many logprobs"}'), ["refuses", "Lower “top_logprobs”"]),
        (Fault(429, "", {"retry-after": "3600"}), ["asks for a pause", "3,600 seconds"]),
        (Fault(change=lambda answer: answer.pop("choices")), ["cannot be used", "no choices"]),
        (
            Fault(change=lambda answer: answer["choices"][0].update(logprobs=None)),
            ["returns no log-probabilities"],
        ),
        (
            Fault(change=lambda a: a["choices"][0]["logprobs"].update(top_logprobs=[{"a": 2.0}])),
            ["cannot be used", "a log-probability is 2.0"],
        ),
        (
            Fault(change=lambda a: a["choices"][0]["logprobs"].update(top_logprobs=[{"zz": -1.0}])),
            ["No token", "'zz', absent", "tokenizer"],
        ),
    ],
    ids=["401", "404", "400", "long pause", "no choices", "no logprobs", "impossible", "absent"],
)
def test_what_cannot_pass_is_said_at_once(
    server: FakeServer,
    loaded: Desk,
    llama: tiny.Family,
    pauses: list[float],
    fault: Fault,
    said: list[str],
) -> None:
    server.faults = [Fault(change=lambda answer: None), fault]
    tokens = loaded.generate(recipe(server, llama))
    assert len(tokens) == 1
    assert all(part in loaded.error() for part in said), loaded.error()
    assert pauses == []


def test_a_server_that_ignores_logprobs_is_no_base(
    server: FakeServer, desk: Desk, llama: tiny.Family
) -> None:
    def forget(answer: dict[str, object]) -> None:
        for choice in answer["choices"]:  # type: ignore[attr-defined]
            choice.pop("logprobs")

    server.faults = [Fault(change=forget)]
    desk.load(recipe(server, llama))
    assert "returns no log-probabilities" in desk.error()


def test_a_server_that_is_not_there(desk: Desk, llama: tiny.Family, pauses: list[float]) -> None:
    spec = replace(llama.recipe().base, source="endpoint:http://127.0.0.1:9/v1")
    desk.load(replace(llama.recipe(), base=spec))
    assert "127.0.0.1:9 cannot be reached" in desk.error()


@pytest.mark.parametrize(
    ("models", "wanted", "said"),
    [
        ([{"id": "a"}, {"id": "b"}], "", ["several models", "a, b"]),
        ([{"id": "a"}], "c", ["no model “c”", "it has a"]),
    ],
)
def test_the_model_must_be_clear(
    server: FakeServer,
    desk: Desk,
    llama: tiny.Family,
    models: list[dict[str, object]],
    wanted: str,
    said: list[str],
) -> None:
    server.models = models
    desk.load(behind(server, llama.recipe(), model=wanted))
    assert all(part in desk.error() for part in said), desk.error()


def test_a_server_without_a_list_of_models(
    server: FakeServer, desk: Desk, llama: tiny.Family
) -> None:
    server.models = None
    desk.load(behind(server, llama.recipe(), top=5, model="m"))
    assert isinstance(desk.last, Loaded)
    assert {body["model"] for body in server.seen} == {"m"}


def test_more_log_probabilities_than_a_server_gives(
    server: FakeServer, desk: Desk, llama: tiny.Family
) -> None:
    server.kind = replace(fake_server.VLLM, most=20)
    desk.load(behind(server, llama.recipe(), top=50))
    assert "which is greater than allowed" in desk.error()
    assert "Lower “top_logprobs”" in desk.error()


def test_cancel_does_not_wait_for_the_server(
    server: FakeServer, loaded: Desk, llama: tiny.Family
) -> None:
    """The second token never comes; the first is kept."""
    hold = threading.Event()
    server.faults = [Fault(change=lambda answer: None), Fault(hold=hold)]
    cancellation = Cancellation()

    def press() -> None:
        while server.faults:
            assert server.arrived.acquire(timeout=240)
        cancellation.request()

    stop = threading.Thread(target=press)
    stop.start()
    asked = recipe(server, llama)
    loaded.engine.handle(
        Generate(2, PROMPT, asked.sampling, LiveAlphas(asked.alphas), cancellation, speculate=False)
    )
    stop.join()
    hold.set()
    assert finished(loaded).finish_reason is FinishReason.CANCELLED
    assert sum(isinstance(event, TokenDecoded) for event in loaded.events) == 1


def test_a_key_reaches_the_server_and_nothing_else(
    server: FakeServer,
    desk: Desk,
    llama: tiny.Family,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.key = SECRET
    address = address_of(f"endpoint:{server.url}")
    asked = recipe(server, llama)
    desk.load(asked)
    assert "requires a key" in desk.error()
    assert keys.variable(address) in desk.error()
    monkeypatch.setenv(keys.variable(address), f" {SECRET}\n")
    with caplog.at_level(logging.DEBUG):
        desk.load(asked)
        desk.generate(asked)
    assert isinstance(desk.last, RunFinished)
    server.key = "another"
    desk.generate(asked)
    assert "does not accept the key" in desk.error()
    everything = repr(desk.events) + caplog.text + recipe_to_store(asked) + desk.error()
    assert SECRET not in everything
    assert "Incorrect key: Bearer …" in desk.error()


def test_a_key_is_for_its_host_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_stored", lambda host: f"stored for {host}")
    monkeypatch.setenv("OPENAI_API_KEY", "openai")
    monkeypatch.setenv("TUNESHIFT_API_KEY_GPU_8000", "gpu")
    found = {
        url: found.headers()["Authorization"].removeprefix("Bearer ")
        for url in (
            "https://api.openai.com/v1",
            "http://api.openai.com/v1",
            "https://api.openai.com.evil.org/v1",
            "http://gpu:8000/v1",
            "http://gpu:8001/v1",
        )
        if (found := keys.find_key(address_of(f"endpoint:{url}")))
    }
    assert found == {
        "https://api.openai.com/v1": "openai",
        "http://api.openai.com/v1": "stored for api.openai.com",
        "https://api.openai.com.evil.org/v1": "stored for api.openai.com.evil.org",
        "http://gpu:8000/v1": "gpu",
        "http://gpu:8001/v1": "stored for gpu:8001",
    }


def test_the_credential_store_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring

    asked: list[tuple[str, str]] = []

    def get(service: str, user: str) -> str:
        asked.append((service, user))
        raise keyring.errors.KeyringLocked("locked")

    monkeypatch.setattr(keyring, "get_password", get)
    address = address_of("endpoint:http://gpu:8000/v1")
    assert keys.find_key(address) is None
    monkeypatch.setattr(keyring, "get_password", lambda service, user: f"{service} {user}")
    found = keys.find_key(address)
    assert found is not None
    assert found.headers() == {"Authorization": "Bearer tuneshift gpu:8000"}
    assert "gpu" not in repr(found)
    assert asked == [("tuneshift", "gpu:8000")]


def test_a_time_to_wait_may_be_a_date() -> None:
    address = Address("http://gpu/v1", "gpu")
    failure = of_status(address, None, 429, "", "Wed, 21 Oct 2026 07:28:10 GMT", 1792567680.0)
    assert failure.pause == 10.0
    assert of_status(address, None, 503, "", "soon", 0.0).pause is None


def test_a_server_that_stops_answering(server: FakeServer, pauses: list[float]) -> None:
    hold = threading.Event()
    server.faults = [Fault(hold=hold), Fault(hold=hold)]
    made = client_module.Client(
        address_of(f"endpoint:{server.url}"), None, httpx2.Timeout(5.0, read=0.05)
    )
    with pytest.raises(client_module.RequestError) as caught:
        made.wait(
            made.post("completions", {"prompt": "a", "logprobs": 1}, attempts=2), lambda: False
        )
    hold.set()
    made.close()
    assert "stopped answering" in str(caught.value.failure.error)
    assert len(pauses) == 1


def test_a_run_that_fails_gives_its_last_characters(
    server: FakeServer, loaded: Desk, llama: tiny.Family
) -> None:
    """Text that was held back, since a stop string might have been forming, is given."""
    asked = recipe(server, llama)
    text = "".join(token.step.text for token in loaded.generate(asked))
    stop = replace(asked, sampling=replace(asked.sampling, stop=(text[:3] + "never",)))
    server.faults = [Fault(change=lambda answer: None)] * 2 + [Fault(404, "{}")]
    tokens = loaded.generate(stop)
    assert isinstance(loaded.last, Failed)
    assert len(tokens) == 2
    assert text.startswith("".join(token.step.text for token in tokens))


def test_json_of_any_shape_is_read(server: FakeServer) -> None:
    """What a server says in an error may be anything."""
    address = Address("http://gpu/v1", "gpu")
    for body in (
        "",
        "[]",
        "1",
        json.dumps({"error": None}),
        json.dumps({"error": [1]}),
        "[" * 5000,
    ):
        assert "500" in str(of_status(address, None, 500, body, "", 0.0).error)


def test_a_loop_that_was_never_used_ends() -> None:
    made = client_module.Client(Address("http://gpu/v1", "gpu"), None)
    made.close()
    made.close()
    assert asyncio.iscoroutinefunction(client_module.pause)
