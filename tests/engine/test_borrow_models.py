"""Jobs that borrow the loaded models: their events, their ends, and the commands after them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import pytest

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.spec import Recipe
from app.decoding.types import GenerationConfig
from app.engine.commands import BorrowModels, Command, Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine
from app.engine.events import (
    BorrowFinished,
    BorrowProgress,
    Event,
    Failed,
    Loaded,
    RunFinished,
    TokenDecoded,
)
from app.engine.worker import EngineThread
from app.errors import Cancelled, EvaluationError, RecipeError

PATIENCE = 120.0
GREEDY = GenerationConfig(max_new_tokens=8, temperature=0.0)

Work = Callable[[LoadedRecipe], Generator[object, None, None]]


@dataclass(frozen=True)
class GeneratorJob:
    """A job made of a generator function."""

    work: Work
    name: str = "job of a test"

    def __call__(self, models: LoadedRecipe, /) -> Generator[object, None, None]:
        return self.work(models)


class Desk:
    """An engine with a recipe, and its events."""

    def __init__(self, recipe: Recipe | None) -> None:
        self.events: list[Event] = []
        self.engine = Engine(self.events.append)
        if recipe:
            self.engine.handle(Load(1, recipe, Cancellation()))
            assert isinstance(self.events[-1], Loaded)

    def borrow(self, work: Work, cancellation: Cancellation | None = None) -> list[Event]:
        self.events.clear()
        self.engine.handle(BorrowModels(2, GeneratorJob(work), cancellation or Cancellation()))
        return list(self.events)

    def tokens(self, prompt: str, kept: tuple[int, ...] = ()) -> list[int]:
        self.events.clear()
        self.engine.handle(generate(3, prompt, kept))
        assert isinstance(self.events[-1], RunFinished)
        return [event.step.token_id for event in self.events if isinstance(event, TokenDecoded)]


def generate(id_: int, prompt: str, kept: tuple[int, ...] = ()) -> Generate:
    return Generate(id_, prompt, GREEDY, LiveAlphas((1.0,)), Cancellation(), kept)


@pytest.fixture
def desk(tiny_recipe: Recipe) -> Desk:
    return Desk(tiny_recipe)


@pytest.mark.slow
def test_the_items_of_a_job_are_emitted_in_order(desk: Desk, tiny_recipe: Recipe) -> None:
    def work(loaded: LoadedRecipe) -> Generator[object, None, None]:
        yield loaded.recipe
        yield 2

    first, second, end = desk.borrow(work)
    assert isinstance(first, BorrowProgress)
    assert first.item == tiny_recipe
    assert isinstance(second, BorrowProgress)
    assert second.item == 2
    assert end == BorrowFinished(2)


def test_the_log_names_the_job(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    def work(loaded: LoadedRecipe) -> Generator[object, None, None]:
        yield 1

    with caplog.at_level(logging.INFO, "app.engine"):
        desk.borrow(work)
    assert caplog.messages == ["command 2: job of a test"]


def test_a_cancelled_job_is_closed(desk: Desk) -> None:
    cancellation, closed = Cancellation(), []

    def work(loaded: LoadedRecipe) -> Generator[object, None, None]:
        try:
            yield 1
            cancellation.request()
            yield 2
            yield 3
        finally:
            closed.append(True)

    events = desk.borrow(work, cancellation)
    assert [event.item for event in events[:-1] if isinstance(event, BorrowProgress)] == [1, 2]
    assert isinstance(events[-1], Failed)
    assert events[-1].error is None
    assert closed == [True]


@pytest.mark.parametrize(
    ("raised", "told"), [(Cancelled(), None), (EvaluationError("no such line"), "no such line")]
)
def test_an_error_of_a_job_is_emitted(desk: Desk, raised: Exception, told: str | None) -> None:
    def work(loaded: LoadedRecipe) -> Generator[object, None, None]:
        yield 1
        raise raised

    failed = desk.borrow(work)[-1]
    assert isinstance(failed, Failed)
    assert (failed.error and failed.error.cause) == told


def test_a_job_needs_a_loaded_recipe() -> None:
    def work(loaded: LoadedRecipe) -> Generator[object, None, None]:
        raise AssertionError("called")
        yield

    (failed,) = Desk(None).borrow(work)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, RecipeError)


def test_a_run_continues_after_a_job_that_changed_the_caches_and_failed(desk: Desk) -> None:
    whole = desk.tokens("the king said")

    def work(loaded: LoadedRecipe) -> Generator[object, None, None]:
        prompts = loaded.encode("another text of other length altogether")
        loaded.ensemble.prefill(prompts)
        loaded.ensemble.only(1).extend([5, 6, 7])  # one evaluation further than the others
        yield 1
        raise EvaluationError("broken off")

    assert isinstance(desk.borrow(work)[-1], Failed)
    assert desk.tokens("the king said", tuple(whole[:3])) == whole[3:]
    assert desk.tokens("the king said") == whole


@pytest.fixture
def started() -> Iterator[tuple[EngineThread, Callable[[type, int], list[Event]]]]:
    woken = threading.Semaphore(0)
    engine = EngineThread(woken.release)
    engine.start()
    received: list[Event] = []

    def until(kind: type, id_: int) -> list[Event]:
        while not any(isinstance(e, kind) and getattr(e, "id", 0) == id_ for e in received):
            taken = engine.outbox.drain(100)
            received.extend(taken)
            if not taken:
                assert woken.acquire(timeout=PATIENCE), received[-1:]
        return received

    yield engine, until
    engine.close()
    assert engine.join(PATIENCE)


@pytest.mark.slow
def test_runs_are_carried_out_between_items_and_loads_after_them(
    started: tuple[EngineThread, Callable[[type, int], list[Event]]], tiny_recipe: Recipe
) -> None:
    engine, until = started
    submitted = threading.Event()

    def work(loaded: LoadedRecipe) -> Generator[object, None, None]:
        assert submitted.wait(PATIENCE)
        yield "first"
        yield "second"

    commands: list[Command] = [
        Load(1, tiny_recipe, Cancellation()),
        BorrowModels(2, GeneratorJob(work), Cancellation(), interleaved=True),
        generate(3, "the king said"),
        Load(4, tiny_recipe, Cancellation()),
        generate(5, "the king said"),
    ]
    for command in commands:
        engine.submit(command)
    submitted.set()
    order = [
        (type(event), event.id)
        for event in until(RunFinished, 5)
        if isinstance(event, BorrowProgress | BorrowFinished | Loaded | RunFinished)
    ]
    assert order == [
        (Loaded, 1),
        (BorrowProgress, 2),
        (RunFinished, 3),
        (BorrowProgress, 2),
        (BorrowFinished, 2),
        (Loaded, 4),
        (RunFinished, 5),
    ]
