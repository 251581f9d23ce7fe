"""Runs that the engine decodes side by side: memory, and the other commands between their steps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from app.checkpoints.loading.cache_bytes import tokens_that_fit
from app.checkpoints.spec import Recipe
from app.decoding.batch_model import PaddedModel
from app.engine import parallel_runs
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
    RunStarted,
    TokenDecoded,
)
from app.engine.parallel_runs import ParallelRuns
from app.engine.worker import EngineThread
from tests import tiny
from tests.bridged_recipes import bridged_recipe
from tests.engine.test_borrow_models import GeneratorJob

PATIENCE = 120.0

pytestmark = pytest.mark.slow
PROMPTS = ("the king said", "the sea was wide", "How many? 12 + 30")


@pytest.fixture(scope="module")
def recipe(llama: tiny.Family) -> Recipe:
    return llama.recipe(0.8, temperature=1.2, max_new_tokens=30, seed=2)


def generate(recipe: Recipe, id_: int, prompt: str = PROMPTS[0], **options: Any) -> Generate:
    tokens = options.pop("tokens", 30)
    config = replace(recipe.sampling, max_new_tokens=tokens)
    return Generate(
        id_, prompt, config, LiveAlphas(recipe.alphas), Cancellation(), keep_rows=False, **options
    )


def text(events: list[Event], id_: int) -> str:
    return "".join(e.step.text for e in events if isinstance(e, TokenDecoded) and e.id == id_)


class Desk:
    """An engine on this thread with a recipe, and its runs side by side."""

    def __init__(self, recipe: Recipe) -> None:
        self.events: list[Event] = []
        self.engine = Engine(self.events.append)
        self.engine.handle(Load(1, recipe, Cancellation()))
        self.runs: ParallelRuns = self.engine.parallel_runs()
        self.cache_bytes = self.runs._cache_bytes.total()
        self.ended: list[int] = []

    def add(self, command: Generate) -> None:
        assert self.engine.runs_side_by_side(command)
        self.runs.add(command, self.events.append, lambda: self.ended.append(command.id))

    def begun(self) -> list[int]:
        """The runs that have tokens."""
        return sorted({event.id for event in self.events if isinstance(event, TokenDecoded)})

    def accepted(self) -> list[int]:
        return [event.id for event in self.events if isinstance(event, RunStarted)]

    def alone(self, command: Generate) -> str:
        self.engine.handle(command)
        return text(self.events, command.id)


def test_a_run_waits_until_there_is_memory_for_it(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(recipe)
    expected = [desk.alone(generate(recipe, 10 + n, prompt)) for n, prompt in enumerate(PROMPTS)]
    desk.events.clear()
    monkeypatch.setattr(parallel_runs, "free_bytes", lambda device: 1000)
    for number, prompt in enumerate(PROMPTS):
        desk.add(generate(recipe, 20 + number, prompt, beside=True))
    desk.runs.step()
    assert desk.begun() == [20]
    while desk.runs.busy:
        desk.runs.step()
    assert desk.begun() == desk.accepted() == desk.ended == [20, 21, 22]
    assert [text(desk.events, 20 + number) for number in range(3)] == expected


@pytest.mark.parametrize(("prompt", "begun"), [(PROMPTS[1], [20, 21]), ("the king " * 40, [20])])
def test_a_run_waits_until_there_is_memory_for_its_prompt(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, prompt: str, begun: list[int]
) -> None:
    desk = Desk(recipe)
    tokens = 2 * 30 + 40
    free = 2 * tokens * desk.cache_bytes
    monkeypatch.setattr(parallel_runs, "free_bytes", lambda device: free)
    desk.add(generate(recipe, 20, beside=True))
    desk.add(generate(recipe, 21, prompt, beside=True))
    for _ in range(10):
        desk.runs.step()
    assert desk.accepted() == [20, 21]
    assert desk.begun() == begun


def test_the_newest_run_waits_if_memory_becomes_scarce(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(recipe)
    expected = [desk.alone(generate(recipe, 10 + n, prompt)) for n, prompt in enumerate(PROMPTS)]
    desk.events.clear()
    free = [2**40]
    monkeypatch.setattr(parallel_runs, "free_bytes", lambda device: free[0])
    for number, prompt in enumerate(PROMPTS):
        desk.add(generate(recipe, 20 + number, prompt, beside=True))
    for _ in range(4):
        desk.runs.step()
    assert desk.begun() == [20, 21, 22]
    free[0] = 1000
    desk.runs.step()
    before = [len(text(desk.events, id_)) for id_ in (20, 21, 22)]
    for _ in range(5):
        desk.runs.step()
    after = [len(text(desk.events, id_)) for id_ in (20, 21, 22)]
    assert after[0] > before[0]
    assert after[1:] == before[1:]
    while desk.runs.busy:
        desk.runs.step()
    assert desk.begun() == [20, 21, 22]
    assert [text(desk.events, 20 + number) for number in range(3)] == expected


@pytest.mark.parametrize("most", [1, 2])
def test_runs_for_which_memory_runs_out_wait_and_are_not_lost(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    desk = Desk(recipe)
    expected = [desk.alone(generate(recipe, 10 + n, prompt)) for n, prompt in enumerate(PROMPTS)]
    desk.events.clear()
    sizes = _full_above(monkeypatch, most)
    for number, prompt in enumerate(PROMPTS):
        desk.add(generate(recipe, 20 + number, prompt, beside=True))
    while desk.runs.busy:
        desk.runs.step()
    assert max(sizes) > most
    assert not [event for event in desk.events if isinstance(event, Failed)]
    assert sorted(desk.ended) == [20, 21, 22]
    assert [text(desk.events, 20 + number) for number in range(3)] == expected


def _full_above(monkeypatch: pytest.MonkeyPatch, most: int) -> list[int]:
    """Let memory run out in steps of more texts; returns the sizes of the batches, as they come."""
    sizes = [0]
    original = PaddedModel.extend

    def extend(model: PaddedModel, tokens: torch.Tensor) -> torch.Tensor:
        sizes.append(len(tokens))
        logits = original(model, tokens)  # the caches of some models are extended already
        if len(tokens) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return logits

    monkeypatch.setattr(PaddedModel, "extend", extend)
    return sizes


def test_the_fullest_device_decides_how_many_tokens_fit() -> None:
    free = {"cuda:0": 9000, "cpu": 100}
    assert tokens_that_fit({"cuda:0": 10, "cpu": 5}, free.__getitem__, 0.5) == 10
    assert tokens_that_fit({"cuda:0": 10, "cpu": 0}, free.__getitem__, 0.5) == 450


def test_a_cancelled_run_that_waits_ends_without_a_token(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(recipe)
    monkeypatch.setattr(parallel_runs, "free_bytes", lambda device: 0)
    first, second = generate(recipe, 2, beside=True), generate(recipe, 3, beside=True)
    desk.add(first)
    desk.add(second)
    desk.runs.step()
    second.cancellation.request()
    desk.runs.step()
    failed = [event for event in desk.events if isinstance(event, Failed)]
    assert [(event.id, event.error) for event in failed] == [(3, None)]
    assert desk.ended == [3]


def test_a_prompt_that_cannot_be_read_fails_one_run(recipe: Recipe) -> None:
    desk = Desk(recipe)
    desk.add(generate(recipe, 2, beside=True))
    desk.add(generate(recipe, 3, "the king " * 400, beside=True))
    while desk.runs.busy:
        desk.runs.step()
    failed = [event.id for event in desk.events if isinstance(event, Failed)]
    finished = [event.id for event in desk.events if isinstance(event, RunFinished)]
    assert (failed, finished) == ([3], [2])


def test_runs_of_a_bridged_recipe_get_the_texts_of_one_client(
    llama: tiny.Family, tmp_path: Path
) -> None:
    recipe = bridged_recipe(llama, tmp_path)
    desk = Desk(recipe)
    options = {"tokens": 10}
    expected = [
        desk.alone(generate(recipe, 10 + n, prompt, **options)) for n, prompt in enumerate(PROMPTS)
    ]
    desk.events.clear()
    for number, prompt in enumerate(PROMPTS):
        desk.add(generate(recipe, 20 + number, prompt, beside=True, **options))
    cancelled = generate(recipe, 23, PROMPTS[0], beside=True, tokens=400)
    desk.add(cancelled)
    for _ in range(3):
        desk.runs.step()
    assert desk.begun() == [20, 21, 22, 23]
    cancelled.cancellation.request()
    while desk.runs.busy:
        desk.runs.step()
    assert [text(desk.events, 20 + number) for number in range(3)] == expected
    steps = [event.step for event in desk.events if isinstance(event, TokenDecoded)]
    assert all(step.coverage is not None for step in steps)


def test_which_runs_are_decoded_side_by_side(recipe: Recipe) -> None:
    engine = Desk(recipe).engine
    assert engine.runs_side_by_side(generate(recipe, 2, beside=True))
    for options in ({}, {"echo": True}, {"forced": (5,)}, {"text": "a"}, {"role": 1}, {"load": 7}):
        command = generate(recipe, 2, beside=bool(options), **options)
        assert not engine.runs_side_by_side(command)


class Threaded:
    """An engine on its thread with two clients: the owner and the API.

    The first token of a run waits for :attr:`go_on`.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard: list[Event] = []
        self.go_on = threading.Event()
        self._changed = threading.Condition()
        attribute = parallel_runs.attribute_step

        def hold(*arguments: Any, **options: Any) -> Any:
            assert self.go_on.wait(PATIENCE)
            return attribute(*arguments, **options)

        monkeypatch.setattr(parallel_runs, "attribute_step", hold)
        self.engine = EngineThread(lambda: self._hear(self.engine.outbox))
        self.api = self.engine.new_client(lambda: self._hear(self.api.outbox))
        self.engine.start()

    def _hear(self, outbox: Any) -> None:
        with self._changed:
            self.heard += outbox.drain(10_000)
            self._changed.notify_all()

    def owner(self, command: Command) -> None:
        self.engine.submit(command)

    def wait(self, kind: type, id_: int) -> None:
        def found() -> bool:
            return any(isinstance(e, kind) and getattr(e, "id", None) == id_ for e in self.heard)

        with self._changed:
            assert self._changed.wait_for(found, PATIENCE)

    def order(self, *kinds: type) -> list[int]:
        return [event.id for event in self.heard if isinstance(event, kinds)]  # type: ignore[union-attr]


@pytest.fixture
def threaded(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> Iterator[Threaded]:
    made = Threaded(monkeypatch)
    made.owner(Load(1, recipe, Cancellation()))
    made.wait(Loaded, 1)
    yield made
    made.go_on.set()
    made.engine.close()
    assert made.engine.join(PATIENCE)


def test_a_run_of_the_window_does_not_wait_for_those_of_the_api(
    recipe: Recipe, threaded: Threaded
) -> None:
    for id_ in (2, 3):
        threaded.api.submit(generate(recipe, id_, PROMPTS[id_ - 2], beside=True))
    threaded.owner(generate(recipe, 4, tokens=5))
    threaded.go_on.set()
    for id_ in (2, 3, 4):
        threaded.wait(RunFinished, id_)
    assert threaded.order(RunFinished)[0] == 4
    texts = {id_: text(threaded.heard, id_) for id_ in (2, 3)}
    threaded.owner(generate(recipe, 12, PROMPTS[0]))
    threaded.owner(generate(recipe, 13, PROMPTS[1]))
    threaded.wait(RunFinished, 13)
    assert texts == {id_: text(threaded.heard, 10 + id_) for id_ in (2, 3)}


def test_a_load_waits_for_the_runs_and_later_runs_wait_for_the_load(
    recipe: Recipe, threaded: Threaded
) -> None:
    threaded.api.submit(generate(recipe, 2, beside=True))
    threaded.api.submit(generate(recipe, 3, PROMPTS[1], beside=True))
    threaded.owner(Load(5, replace(recipe, name="Another"), Cancellation()))
    threaded.api.submit(generate(recipe, 6, beside=True))
    threaded.go_on.set()
    threaded.wait(RunFinished, 6)
    order = threaded.order(RunFinished, Loaded)
    assert sorted(order[1:3]) == [2, 3]
    assert order[3:] == [5, 6]


def test_a_job_goes_on_although_runs_keep_coming(recipe: Recipe, threaded: Threaded) -> None:
    """During a job the runs that wait are decoded between two items, and no later ones join."""
    threaded.go_on.set()
    arrived = [threading.Event(), threading.Event()]

    def work(models: object) -> Iterator[int]:
        for item, event in enumerate(arrived):
            assert event.wait(PATIENCE)
            yield item

    threaded.owner(BorrowModels(9, GeneratorJob(work), Cancellation(), interleaved=True))  # type: ignore[arg-type]
    for id_ in (2, 3):
        threaded.api.submit(generate(recipe, id_, PROMPTS[id_ - 2], beside=True))
    arrived[0].set()
    threaded.wait(RunFinished, 2)
    threaded.wait(RunFinished, 3)
    assert not threaded.order(BorrowFinished)
    arrived[1].set()
    threaded.wait(BorrowFinished, 9)
    assert len(threaded.order(BorrowProgress)) == 2


def test_closing_ends_the_runs(recipe: Recipe, threaded: Threaded) -> None:
    for id_ in (2, 3):
        threaded.api.submit(generate(recipe, id_, tokens=400, beside=True))
    threaded.wait(RunStarted, 2)
    threaded.engine.close()
    threaded.go_on.set()
    assert threaded.engine.join(PATIENCE)


def test_a_client_that_leaves_ends_its_runs_only(recipe: Recipe, threaded: Threaded) -> None:
    threaded.api.submit(generate(recipe, 2, tokens=400, beside=True))
    threaded.owner(generate(recipe, 3, PROMPTS[1], beside=True))
    threaded.wait(RunStarted, 2)
    threaded.api.close()
    threaded.go_on.set()
    threaded.wait(RunFinished, 3)
    assert threaded.order(RunFinished) == [3]
