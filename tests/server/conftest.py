"""API servers over tiny models, on real sockets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from app.checkpoints.spec import Recipe
from app.server.access import Access, Limits
from app.server.fair_scheduling import FairScheduler
from app.server.listening import Service, listen
from app.server.uvicorn_server import Server, own_engine
from tests import tiny

PATIENCE = 120
TOOL_TEMPLATE = (
    "{% if tools %}[tools]{{ tools | tojson }}<tool_call>{% endif %}"
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}"
    "{% for call in m.tool_calls or [] %}({{ call.function.name }} {{ call.function.arguments.a }})"
    "{% endfor %}{% if m.tool_call_id %}#{{ m.tool_call_id }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)


class Running:
    """A server on a thread of its own.

    Attributes:
        port: Where it listens.
        queue: Its queue; it belongs to the server's thread.
    """

    def __init__(self, recipe: Recipe, service: Service, most_waiting: int) -> None:
        self._recipe = recipe
        self._service = service
        self._most_waiting = most_waiting
        self._listener = listen(service)
        self.port = self._listener.getsockname()[1]
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        if self._error:
            raise self._error

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, key: str = "none") -> OpenAI:
        return OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0, timeout=PATIENCE)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        try:
            async with own_engine(FairScheduler(self._most_waiting)) as queue:
                await queue.load(self._recipe)
                self.queue = queue
                self._server = Server(queue, self._service)
                self._ready.set()
                await self._server.serve([self._listener])
        except BaseException as error:
            self._error = error
        finally:
            self._ready.set()


Serve = Callable[..., AbstractContextManager[Running]]


@pytest.fixture(scope="session")
def served_recipe(llama: tiny.Family) -> Recipe:
    return replace(llama.recipe(0.8, temperature=0.0, max_new_tokens=8), name="Tiny: one style")


@pytest.fixture(scope="session")
def serve(served_recipe: Recipe) -> Serve:
    """Starts a server: what is not given is as by default."""

    @contextmanager
    def start(
        recipe: Recipe = served_recipe,
        access: Access = Access("127.0.0.1"),  # noqa: B008 — frozen
        limits: Limits = Limits(),  # noqa: B008
        most_waiting: int = 256,
    ) -> Iterator[Running]:
        running = Running(recipe, Service(access, 0, limits), most_waiting)
        try:
            yield running
        finally:
            running.close()

    return start


@pytest.fixture(scope="module")
def server(serve: Serve) -> Iterator[Running]:
    with serve() as running:
        yield running


@pytest.fixture
def client(server: Running) -> Iterator[OpenAI]:
    with server.client() as made:
        yield made


@pytest.fixture(scope="module")
def with_tools(
    serve: Serve, served_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A server whose roles all read tools, and call them in the format of Hermes."""

    def role(spec: Any, name: str) -> Any:
        folder = Path(spec.source.partition(":")[2])
        copy = tmp_path_factory.mktemp("tools") / name
        return tiny.with_chat_template(folder, copy, TOOL_TEMPLATE)

    (pair,) = served_recipe.pairs
    recipe = replace(
        served_recipe,
        base=role(served_recipe.base, "base"),
        pairs=(
            replace(
                pair,
                expert=role(pair.expert, "expert"),
                antiexpert=role(pair.antiexpert, "antiexpert"),
            ),
        ),
    )
    with serve(recipe=recipe) as running:
        yield running
