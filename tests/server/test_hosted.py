"""The server over an engine with another owner that uses it as well."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from queue import SimpleQueue

import httpx2
import pytest
from openai import APIStatusError, OpenAI

from app.checkpoints.spec import Recipe
from app.decoding.types import TokenStep
from app.engine import parallel_runs
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.events import Event, Loaded, RunFinished, TokenDecoded
from app.engine.worker import EngineThread
from app.server.access import Access
from app.server.hosted import HostedServer
from app.server.listening import Service, listen
from app.server.server_events import Listening, ServedModel, ServerEvent, ServerStats, Stopped
from app.settings import PARALLEL_REQUESTS
from tests.server.conftest import PATIENCE

PROMPT = "the king said"
LONG = 100_000


class Owner:
    """Owns an engine like the window: loads, generates, and starts a server."""

    def __init__(self) -> None:
        self._woken = threading.Semaphore(0)
        self._heard: list[Event] = []
        self.engine = EngineThread(self._woken.release)
        self.engine.start()
        self.told: SimpleQueue[ServerEvent] = SimpleQueue()

    def until(self, kind: type, id_: int) -> Event:
        while True:
            for event in self._heard:
                if isinstance(event, kind) and getattr(event, "id", 0) == id_:
                    return event
            assert self._woken.acquire(timeout=PATIENCE)
            self._heard += self.engine.outbox.drain(10_000)

    def load(self, recipe: Recipe, id_: int = 1) -> ServedModel:
        self.engine.submit(Load(id_, recipe, Cancellation()))
        loaded = self.until(Loaded, id_)
        assert isinstance(loaded, Loaded)
        return ServedModel(recipe, loaded)

    def text(self, recipe: Recipe, id_: int) -> str:
        config, alphas = recipe.sampling, LiveAlphas(recipe.alphas)
        self.engine.submit(Generate(id_, PROMPT, config, alphas, Cancellation()))
        self.until(RunFinished, id_)
        return "".join(
            e.step.text for e in self._heard if isinstance(e, TokenDecoded) and e.id == id_
        )

    def serve(self, service: Service = Service(Access("127.0.0.1"), 0)) -> HostedServer:  # noqa: B008
        server = HostedServer(service, self.engine.new_client, self.told.put)
        server.start()
        return server

    def hear(self, kind: type) -> ServerEvent:
        while True:
            event = self.told.get(timeout=PATIENCE)
            if isinstance(event, kind):
                return event

    def hear_figures(self, **expected: object) -> None:
        while True:
            event = self.hear(ServerStats)
            if all(getattr(event, name) == value for name, value in expected.items()):
                return


@pytest.fixture
def owner() -> Iterator[Owner]:
    owner = Owner()
    yield owner
    owner.engine.close()
    assert owner.engine.join(PATIENCE)


@pytest.fixture
def server(owner: Owner) -> Iterator[HostedServer]:
    server = owner.serve()
    yield server
    server.close()
    assert server.join(PATIENCE)
    assert isinstance(owner.hear(Stopped), Stopped)


@pytest.fixture
def client(owner: Owner, server: HostedServer) -> Iterator[OpenAI]:
    serving = owner.hear(Listening)
    assert isinstance(serving, Listening)
    with OpenAI(base_url=serving.url, api_key="none", max_retries=0, timeout=PATIENCE) as client:
        yield client


class Hold:
    """Holds the engine at the second token of the API's generations.

    Attributes:
        go_on: Lets it go on.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go_on = threading.Event()
        attribute = parallel_runs.attribute_step

        def hold(step: TokenStep, **options: bool) -> object:
            assert step.index == 0 or self.go_on.wait(PATIENCE)
            return attribute(step, **options)

        monkeypatch.setattr(parallel_runs, "attribute_step", hold)


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hold]:
    made = Hold(monkeypatch)
    yield made
    made.go_on.set()


def complete(client: OpenAI, **options: object) -> str:
    answer = client.completions.create(model="tuneshift", prompt=PROMPT, **options)  # type: ignore[call-overload]
    return str(answer.choices[0].text)


def test_owner_and_clients_share_the_engine(
    owner: Owner, server: HostedServer, client: OpenAI, served_recipe: Recipe
) -> None:
    server.set_model(owner.load(served_recipe))
    alone = owner.text(served_recipe, 2)
    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(complete, client) for _ in range(4)]
        own = [owner.text(served_recipe, id_) for id_ in range(3, 6)]
        assert [answer.result() for answer in asked] == [alone] * 4
    assert own == [alone] * 3
    owner.hear_figures(requests=4, texts=4, waiting=0, client="")


def test_the_owners_settings_are_the_defaults_of_requests(
    owner: Owner, server: HostedServer, client: OpenAI, served_recipe: Recipe
) -> None:
    model = owner.load(served_recipe)
    server.set_model(model)
    before = complete(client)
    other = replace(served_recipe, pairs=(replace(served_recipe.pairs[0], alpha=-3.0),))
    server.set_model(ServedModel(other, model.loaded))
    assert complete(client) == owner.text(other, 9) != before
    assert complete(client, extra_body={"alphas": list(served_recipe.alphas)}) == before
    (listed,) = client.models.list().data
    assert listed.tuneshift["pairs"][0]["alpha"] == -3.0  # type: ignore[attr-defined]


def test_requests_without_a_loaded_model_get_503_with_retry_after(
    owner: Owner, server: HostedServer, client: OpenAI, served_recipe: Recipe
) -> None:
    assert client.models.list().data == []
    with pytest.raises(APIStatusError, match="No models are loaded") as failed:
        complete(client)
    assert failed.value.status_code == 503
    assert int(failed.value.response.headers["retry-after"]) > 0
    server.set_model(owner.load(served_recipe))
    assert [model.id for model in client.models.list().data] == ["tiny-one-style"]
    assert complete(client)


def test_loading_another_recipe_fails_current_and_waiting_requests(
    owner: Owner, server: HostedServer, client: OpenAI, served_recipe: Recipe, hold: Hold
) -> None:
    server.set_model(owner.load(served_recipe))
    with ThreadPoolExecutor(PARALLEL_REQUESTS + 1) as pool:
        asked = [pool.submit(complete, client, max_tokens=LONG) for _ in range(PARALLEL_REQUESTS)]
        owner.hear_figures(running=PARALLEL_REQUESTS)
        asked.append(pool.submit(complete, client))
        owner.hear_figures(waiting=1)
        server.set_model(None)
        other = replace(served_recipe, name="Another")
        for answer in asked:
            error = answer.exception(PATIENCE)
            assert isinstance(error, APIStatusError)
            assert error.status_code == 503
            assert error.code == "model_changed"
    hold.go_on.set()
    server.set_model(owner.load(other, 3))
    assert [model.id for model in client.models.list().data] == ["another"]
    assert complete(client)


def test_loading_another_recipe_ends_a_stream_with_an_error_event(
    owner: Owner, server: HostedServer, client: OpenAI, served_recipe: Recipe, hold: Hold
) -> None:
    server.set_model(owner.load(served_recipe))
    stream = client.completions.create(model="", prompt=PROMPT, max_tokens=LONG, stream=True)
    next(iter(stream))
    server.set_model(None)
    with pytest.raises(Exception, match="Other models are being loaded"):
        list(stream)


def test_closing_ends_requests_but_not_the_owners_engine(
    owner: Owner, served_recipe: Recipe, hold: Hold
) -> None:
    server = owner.serve()
    server.set_model(owner.load(served_recipe))
    serving = owner.hear(Listening)
    assert isinstance(serving, Listening)
    body = {"prompt": PROMPT, "max_tokens": LONG}
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(httpx2.post, f"{serving.url}/completions", json=body, timeout=240)
        owner.hear_figures(texts=1)
        server.close()
        assert answer.result().status_code == 503
    hold.go_on.set()
    assert server.join(PATIENCE)
    stopped = owner.hear(Stopped)
    assert isinstance(stopped, Stopped)
    assert stopped.error is None
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{serving.url}/models", timeout=PATIENCE)
    assert owner.text(served_recipe, 2)


def test_closing_immediately_after_the_start(owner: Owner) -> None:
    server = owner.serve()
    server.close()
    assert server.join(PATIENCE)


def test_a_port_in_use_is_reported(owner: Owner) -> None:
    with listen(Service(Access("127.0.0.1"), 0)) as listener:
        port = listener.getsockname()[1]
        server = owner.serve(Service(Access("127.0.0.1"), port))
        assert server.join(PATIENCE)
    stopped = owner.hear(Stopped)
    assert isinstance(stopped, Stopped)
    assert "another program uses the port" in str(stopped.error)


def test_missing_libraries_are_reported(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("app.server.")]:
        if name not in ("app.server.listening", "app.server.access", "app.server.server_events"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    server = owner.serve()
    assert server.join(PATIENCE)
    stopped = owner.hear(Stopped)
    assert isinstance(stopped, Stopped)
    assert stopped.error is not None
    assert "tuneshift[serve]" in (stopped.error.next_step or "")
