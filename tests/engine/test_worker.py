"""The engine's thread and its outbox: order, bounds, and an end that always comes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from app.checkpoints.spec import Recipe
from app.decoding.types import GenerationConfig
from app.engine.commands import Command, Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine
from app.engine.events import (
    EngineFailed,
    EngineReady,
    Event,
    Failed,
    Loaded,
    RunFinished,
    TokenDecoded,
    row_bytes,
)
from app.engine.worker import EngineThread, Outbox
from tests.history.invented import steps

PATIENCE = 120.0
"""Seconds after which a test gives up; none waits so long when all is well."""


def events(count: int) -> list[Event]:
    return [Failed(index, None) for index in range(count)]


class Reader:
    """Drains an outbox when it is woken, as the window does."""

    def __init__(self) -> None:
        self.woken = threading.Semaphore(0)
        self.wakes = 0
        self.received: list[Event] = []

    def wake(self) -> None:
        self.wakes += 1
        self.woken.release()

    def until(self, outbox: Outbox, done: Callable[[Event], bool]) -> list[Event]:
        """Receive events until ``done`` of the newest one."""
        while not (self.received and done(self.received[-1])):
            taken = outbox.drain(1)
            if taken:
                self.received += taken
            else:
                assert self.woken.acquire(timeout=PATIENCE), self.received[-1:]
        return self.received

    def until_a(self, outbox: Outbox, *kinds: type) -> list[Event]:
        return self.until(outbox, lambda event: isinstance(event, kinds))


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def writers() -> Iterator[Callable[[Outbox, list[Event]], threading.Thread]]:
    """Start threads that write events; all are joined."""
    started: list[threading.Thread] = []

    def start(outbox: Outbox, written: list[Event]) -> threading.Thread:
        thread = threading.Thread(target=lambda: [outbox.put(event) for event in written])
        thread.start()
        started.append(thread)
        return thread

    yield start
    for thread in started:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_an_outbox_keeps_the_order(reader: Reader) -> None:
    outbox = Outbox(reader.wake)
    written = events(5)
    for event in written:
        outbox.put(event)
    assert outbox.drain(2) + outbox.drain(100) == written
    assert outbox.drain(100) == []


def test_an_outbox_wakes_its_reader_once_until_it_is_empty(reader: Reader) -> None:
    outbox = Outbox(reader.wake)
    for event in events(3):
        outbox.put(event)
    assert reader.wakes == 1
    outbox.drain(2)
    outbox.put(Failed(9, None))
    assert reader.wakes == 1
    outbox.drain(100)
    outbox.put(Failed(10, None))
    assert reader.wakes == 2


@pytest.mark.slow
def test_a_writer_waits_for_room(
    reader: Reader, writers: Callable[[Outbox, list[Event]], threading.Thread]
) -> None:
    outbox = Outbox(reader.wake, size=2)
    written = events(40)
    writer = writers(outbox, written)
    assert reader.woken.acquire(timeout=PATIENCE)
    writer.join(0.1)
    assert writer.is_alive()
    received: list[Event] = []
    while len(received) < len(written):
        taken = outbox.drain(100)
        assert len(taken) <= 2
        received += taken
    assert received == written


@pytest.mark.slow
def test_a_writer_waits_for_room_for_rows(
    reader: Reader, writers: Callable[[Outbox, list[Event]], threading.Thread]
) -> None:
    written: list[Event] = [TokenDecoded(1, step, explained) for step, explained in steps(20)]
    one = row_bytes(written[0])
    assert one > 0
    outbox = Outbox(reader.wake, most_bytes=2 * one)
    writer = writers(outbox, [*written, Failed(1, None)])
    assert reader.woken.acquire(timeout=PATIENCE)
    writer.join(0.1)
    assert writer.is_alive()
    received: list[Event] = []
    while len(received) <= len(written):
        taken = outbox.drain(100)
        assert sum(map(row_bytes, taken)) <= 2 * one
        received += taken
    assert received[:-1] == written


def test_one_event_of_more_bytes_than_the_bound_is_taken(reader: Reader) -> None:
    (event,) = (TokenDecoded(1, step, explained) for step, explained in steps(1))
    outbox = Outbox(reader.wake, most_bytes=1)
    outbox.put(event)
    assert outbox.drain(10) == [event]


def test_a_closed_outbox_lets_its_writer_go(
    reader: Reader, writers: Callable[[Outbox, list[Event]], threading.Thread]
) -> None:
    outbox = Outbox(reader.wake, size=1)
    writer = writers(outbox, events(3))
    assert reader.woken.acquire(timeout=PATIENCE)
    outbox.close()
    writer.join(PATIENCE)
    assert not writer.is_alive()
    assert outbox.drain(10) == []
    outbox.put(Failed(1, None))
    assert outbox.drain(10) == []


@pytest.fixture
def thread(reader: Reader) -> Iterator[EngineThread]:
    """An engine thread that is closed and joined at the end."""
    thread = EngineThread(reader.wake)
    thread.start()
    yield thread
    thread.close()
    assert thread.join(PATIENCE)


def load(recipe: Recipe, id_: int = 1) -> Load:
    return Load(id_, recipe, Cancellation())


def generate(count: int, id_: int = 2) -> Generate:
    config = GenerationConfig(max_new_tokens=count, temperature=0.0)
    return Generate(id_, "the king", config, LiveAlphas((1.0,)), Cancellation())


@pytest.mark.slow
def test_commands_are_answered_in_order(
    thread: EngineThread, reader: Reader, tiny_recipe: Recipe
) -> None:
    thread.submit(load(tiny_recipe))
    thread.submit(generate(5, 2))
    thread.submit(generate(3, 3))
    received = reader.until(
        thread.outbox, lambda event: isinstance(event, RunFinished) and event.id == 3
    )
    assert isinstance(received[0], EngineReady)
    answers = [(type(e), e.id) for e in received if isinstance(e, Loaded | RunFinished)]
    assert answers == [(Loaded, 1), (RunFinished, 2), (RunFinished, 3)]
    steps = [(event.id, event.step.index) for event in received if isinstance(event, TokenDecoded)]
    assert steps == [(2, 0), (2, 1), (2, 2), (2, 3), (2, 4), (3, 0), (3, 1), (3, 2)]
    at = next(place for place, event in enumerate(received) if isinstance(event, RunFinished))
    assert not any(isinstance(e, TokenDecoded) and e.id == 2 for e in received[at:])


@pytest.mark.slow
def test_cancel_reaches_a_run_from_another_thread(
    thread: EngineThread, reader: Reader, tiny_recipe: Recipe
) -> None:
    run = generate(100)
    thread.outbox._size = 1  # so that the run cannot get ahead of this reader
    thread.submit(load(tiny_recipe))
    thread.submit(run)
    reader.until_a(thread.outbox, TokenDecoded)
    run.cancellation.request()
    finished = reader.until_a(thread.outbox, RunFinished)[-1]
    assert isinstance(finished, RunFinished)
    assert finished.finish_reason == "cancelled"
    assert finished.stats.tokens <= 4


@pytest.mark.slow
def test_alphas_reach_a_run_from_another_thread(
    thread: EngineThread, reader: Reader, tiny_recipe: Recipe
) -> None:
    run = generate(20)
    thread.outbox._size = 1
    thread.submit(load(tiny_recipe))
    thread.submit(run)
    reader.until_a(thread.outbox, TokenDecoded)
    run.alphas.set((2.5,))
    received = reader.until_a(thread.outbox, RunFinished)
    used = [event.step.alphas for event in received if isinstance(event, TokenDecoded)]
    changed = used.index((2.5,))
    assert used == [(1.0,)] * changed + [(2.5,)] * (20 - changed)
    assert changed <= 4


# Several that ask one engine


@pytest.mark.slow
def test_each_line_hears_of_its_own_commands_alone(
    thread: EngineThread, reader: Reader, tiny_recipe: Recipe
) -> None:
    other = Reader()
    line = thread.new_client(other.wake)
    thread.submit(load(tiny_recipe, 1))
    line.submit(generate(4, 1))
    thread.submit(generate(2, 2))
    line.submit(generate(3, 2))
    mine = reader.until_a(thread.outbox, RunFinished)
    theirs = other.until(
        line.outbox, lambda event: getattr(event, "id", 0) == 2 and isinstance(event, RunFinished)
    )
    assert [e.id for e in mine if isinstance(e, TokenDecoded)] == [2] * 2
    assert [e.id for e in theirs if isinstance(e, TokenDecoded)] == [1] * 4 + [2] * 3
    assert not any(isinstance(e, EngineReady | Loaded) for e in theirs)
    line.close()


@pytest.mark.slow
def test_a_line_that_closes_ends_its_own_runs_and_no_others(
    thread: EngineThread, reader: Reader, tiny_recipe: Recipe
) -> None:
    other = Reader()
    line = thread.new_client(other.wake)
    line.outbox._size = 1  # so that the run cannot get ahead
    thread.submit(load(tiny_recipe))
    theirs, mine = generate(100, 1), generate(5, 2)
    line.submit(theirs)
    thread.submit(mine)
    other.until_a(line.outbox, TokenDecoded)
    line.close()
    line.close()
    finished = reader.until_a(thread.outbox, RunFinished)[-1]
    assert isinstance(finished, RunFinished)
    assert finished.finish_reason == "length"
    assert theirs.cancellation.requested()
    assert not mine.cancellation.requested()


@pytest.mark.slow
def test_closing_the_thread_lets_a_run_of_a_line_go(
    thread: EngineThread, tiny_recipe: Recipe
) -> None:
    other = Reader()
    line = thread.new_client(other.wake)
    line.outbox._size = 1
    line.submit(load(tiny_recipe))
    line.submit(generate(100))
    other.until_a(line.outbox, TokenDecoded)
    thread.close()
    assert thread.join(PATIENCE)


@pytest.mark.slow
def test_close_in_the_middle_of_a_run(
    thread: EngineThread, reader: Reader, tiny_recipe: Recipe
) -> None:
    thread.submit(load(tiny_recipe))
    thread.submit(generate(100))
    reader.until_a(thread.outbox, TokenDecoded)
    thread.close()
    assert thread.join(PATIENCE)


def test_close_while_nobody_reads(reader: Reader, tiny_recipe: Recipe) -> None:
    """The writer is waiting for room when the window goes away."""
    thread = EngineThread(reader.wake)
    thread.outbox = Outbox(reader.wake, size=2)
    thread.start()
    thread.submit(load(tiny_recipe))
    assert reader.woken.acquire(timeout=PATIENCE)
    thread.close()
    assert thread.join(PATIENCE)


def test_close_before_torch_is_imported(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr("app.engine.engine.Engine", made.append)
    thread = EngineThread(reader.wake)
    thread.close()
    thread.start()
    assert thread.join(PATIENCE)
    assert made == []


def test_close_drops_what_is_queued(
    reader: Reader, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three commands the first is running when the window is closed."""
    running, go_on = threading.Event(), threading.Event()
    handled: list[int] = []

    def handle(engine: Engine, command: Command, run_waiting: object) -> None:
        handled.append(command.id)
        running.set()
        assert go_on.wait(PATIENCE)

    monkeypatch.setattr(Engine, "handle", handle)
    thread = EngineThread(reader.wake)
    thread.start()
    commands = [load(tiny_recipe, id_) for id_ in (1, 2, 3)]
    for command in commands:
        thread.submit(command)
    assert running.wait(PATIENCE)
    thread.close()
    go_on.set()
    assert thread.join(PATIENCE)
    assert handled == [1]
    assert all(command.cancellation.requested() for command in commands)


def test_commands_after_close_are_ignored(reader: Reader, tiny_recipe: Recipe) -> None:
    thread = EngineThread(reader.wake)
    thread.start()
    thread.close()
    thread.submit(load(tiny_recipe))
    assert thread.join(PATIENCE)
    assert thread.outbox.drain(10) == []


def test_libraries_that_cannot_be_imported_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken installation is an event for the window, not a thread that dies unseen."""
    woken = threading.Event()
    monkeypatch.setitem(sys.modules, "app.engine.engine", None)  # importing it raises ImportError
    thread = EngineThread(woken.set)
    thread.start()
    assert woken.wait(60)
    (event,) = thread.outbox.drain(10)
    assert isinstance(event, EngineFailed)
    assert "ImportError" in event.details or "ModuleNotFoundError" in event.details
    assert thread.join(60)


def test_whoever_asks_an_engine_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "app.engine.engine", None)
    thread = EngineThread(lambda: None)
    early, late = Reader(), Reader()
    before = thread.new_client(early.wake)
    thread.start()
    assert thread.join(PATIENCE)
    after = thread.new_client(late.wake)
    assert early.until_a(before.outbox, EngineFailed) == late.until_a(after.outbox, EngineFailed)


def test_a_driver_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(engine: Engine) -> None:
        raise RuntimeError("the driver is older than the library")

    monkeypatch.setattr(Engine, "announce", fail)
    thread = EngineThread(lambda: None)
    thread.start()
    assert thread.join(PATIENCE)
    (event,) = thread.outbox.drain(10)
    assert isinstance(event, EngineFailed)
    assert "the driver is older" in event.details
