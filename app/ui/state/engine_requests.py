"""Commands to the engine: each has a number, and its events go to whoever asked."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from app.engine.commands import Command
from app.engine.events import EngineFailed, EngineReady, Event

Hear = Callable[[Sequence[Event]], None]
"""Takes the events of one command that came together."""


class Requests:
    """Gives commands to the engine and hands their events out.

    Args:
        submit: Takes a command to the engine.
        hear_engine: Takes events of the engine itself, which answer no command.
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
        """A number that nothing else has."""
        return next(self._ids)

    def submit(self, command: Command, hear: Hear) -> None:
        """Ask the engine; ``hear`` gets the events of the command until :meth:`forget`."""
        self._receivers[command.id] = hear
        self._submit(command)

    def forget(self, command_id: int) -> None:
        """A command has had its last event, or nobody wants to hear of it any more."""
        self._receivers.pop(command_id, None)

    def hand_out(self, events: Sequence[Event]) -> None:
        """Give each event to whoever asked for it; those of one command go together."""
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
            if hear is not None:  # it may have been forgotten meanwhile
                hear(batch)
