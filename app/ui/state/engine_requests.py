"""Requests to the engine: numbers commands, and routes their events to the sender."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from app.engine.commands import Command
from app.engine.events import EngineFailed, EngineReady, Event

Hear = Callable[[Sequence[Event]], None]
"""Callback that receives a batch of events of one command."""


class Requests:
    """Submits commands to the engine and routes their events to the callbacks.

    Args:
        submit: Submits a command.
        hear_engine: Receives events of the engine itself, which belong to no command.
    """

    def __init__(
        self,
        submit: Callable[[Command], None],
        hear_engine: Callable[[EngineReady | EngineFailed], None],
    ) -> None:
        self._submit = submit
        self._hear_engine = hear_engine
        self._ids = itertools.count(1)
        self._receivers: dict[int, Hear] = {}

    def new_id(self) -> int:
        """A new unique number."""
        return next(self._ids)

    def submit(self, command: Command, hear: Hear) -> None:
        """Submit a command; ``hear`` receives its events until :meth:`forget`."""
        self._receivers[command.id] = hear
        self._submit(command)

    def forget(self, command_id: int) -> None:
        """Stop routing the events of a command."""
        self._receivers.pop(command_id, None)

    def hand_out(self, events: Sequence[Event]) -> None:
        """Deliver events to the callbacks, with all events of one command in one call."""
        batches: dict[int, list[Event]] = {}
        for event in events:
            if isinstance(event, EngineReady | EngineFailed):
                self._hand_over(batches)
                batches = {}
                self._hear_engine(event)
            else:
                batches.setdefault(event.id, []).append(event)
        self._hand_over(batches)

    def _hand_over(self, batches: dict[int, list[Event]]) -> None:
        for command_id, batch in batches.items():
            hear = self._receivers.get(command_id)
            if hear is not None:  # another callback may have called forget
                hear(batch)
