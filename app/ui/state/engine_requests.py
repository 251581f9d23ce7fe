"""Requests to the engine: numbers commands, and routes their events to the sender."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from app.engine.commands import Command
from app.engine.events import EngineFailed, EngineReady, Event

EventHandler = Callable[[Sequence[Event]], None]
"""Callback that receives a batch of events of one command."""


class Requests:
    """Submits commands to the engine and routes their events to the callbacks.

    Args:
        submit: Submits a command.
        handle_engine: Receives events of the engine itself, which belong to no command.

    Attributes:
        load: The id of the last load: runs and questions of the window are for its models, and the
            engine refuses them if others are in memory.
    """

    def __init__(
        self,
        submit: Callable[[Command], None],
        handle_engine: Callable[[EngineReady | EngineFailed], None],
    ) -> None:
        self._submit = submit
        self._handle_engine = handle_engine
        self._ids = itertools.count(1)
        self._receivers: dict[int, EventHandler] = {}
        self.load: int | None = None

    def new_id(self) -> int:
        """A new unique number."""
        return next(self._ids)

    def submit(self, command: Command, handle: EventHandler) -> None:
        """Submit a command; ``handle`` receives its events until :meth:`forget`."""
        self._receivers[command.id] = handle
        self._submit(command)

    def forget(self, command_id: int) -> None:
        """Stop routing the events of a command."""
        self._receivers.pop(command_id, None)

    def deliver(self, events: Sequence[Event]) -> None:
        """Deliver events to the callbacks, with all events of one command in one call."""
        batches: dict[int, list[Event]] = {}
        for event in events:
            if isinstance(event, EngineReady | EngineFailed):
                self._deliver_batches(batches)
                batches = {}
                self._handle_engine(event)
            else:
                batches.setdefault(event.id, []).append(event)
        self._deliver_batches(batches)

    def _deliver_batches(self, batches: dict[int, list[Event]]) -> None:
        for command_id, batch in batches.items():
            handle = self._receivers.get(command_id)
            if handle is not None:  # another callback may have called forget
                handle(batch)
