"""Tests of routing events of the engine to the senders of commands."""

from __future__ import annotations

from collections.abc import Sequence

from app.checkpoints.status import LoadProgress
from app.engine.commands import Command, Unload
from app.engine.controls import Cancellation
from app.engine.events import EngineFailed, EngineReady, Event, Failed, Loading
from app.errors import DeviceError
from app.ui.state.engine_requests import Requests


class Asker:
    """Sends commands, and logs the events that it receives."""

    def __init__(self) -> None:
        self.asked: list[Command] = []
        self.heard: list[tuple[str, list[Event]]] = []
        self.requests = Requests(self.asked.append, self._hear_engine)

    def ask(self, name: str) -> int:
        command = Unload(self.requests.new_id(), Cancellation())

        def hear(events: Sequence[Event]) -> None:
            self.heard.append((name, list(events)))

        self.requests.submit(command, hear)
        return command.id

    def _hear_engine(self, event: EngineReady | EngineFailed) -> None:
        self.heard.append(("engine", [event]))


def loading(id_: int, done: int) -> Loading:
    return Loading(id_, LoadProgress("base", done, 10))


def test_events_of_a_command_are_delivered_together() -> None:
    asker = Asker()
    first, second = asker.ask("first"), asker.ask("second")
    a, b, c = loading(second, 1), loading(first, 1), loading(second, 2)
    asker.requests.deliver([a, b, c])
    assert asker.heard == [("second", [a, c]), ("first", [b])]
    assert [command.id for command in asker.asked] == [first, second]


def test_events_of_the_engine_keep_their_order() -> None:
    asker = Asker()
    id_ = asker.ask("it")
    ready = EngineReady(("cpu",), "2.13.0")
    failed = EngineFailed(DeviceError("gone"), "")
    before, after = loading(id_, 1), loading(id_, 2)
    asker.requests.deliver([ready, before, failed, after])
    heard = [("engine", [ready]), ("it", [before]), ("engine", [failed]), ("it", [after])]
    assert asker.heard == heard


def test_events_of_forgotten_or_unknown_commands_are_dropped() -> None:
    asker = Asker()
    id_ = asker.ask("it")
    asker.requests.forget(id_)
    asker.requests.forget(id_)
    asker.requests.deliver([Failed(id_, None), Failed(id_ + 1, None)])
    assert asker.heard == []


def test_a_command_forgotten_during_delivery_gets_no_events() -> None:
    asker = Asker()
    second = 0

    def drop_second(_: Sequence[Event]) -> None:
        asker.requests.forget(second)

    first = Unload(asker.requests.new_id(), Cancellation())
    asker.requests.submit(first, drop_second)
    second = asker.ask("second")
    asker.requests.deliver([Failed(first.id, None), Failed(second, None)])
    assert asker.heard == []
