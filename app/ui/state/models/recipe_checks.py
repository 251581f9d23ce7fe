"""Checks of the recipe by the engine: one at a time, then the latest one requested."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.checkpoints.conversation import RunPrompt
from app.checkpoints.spec import Recipe
from app.engine.commands import Check
from app.engine.controls import Cancellation
from app.engine.events import Event
from app.ui.state.engine_requests import Requests


class Checks:
    """Queue of at most one running and one waiting check.

    Args:
        requests: Sends commands to the engine.
        answered: Receives a check and the event that answers it.
    """

    def __init__(self, requests: Requests, answered: Callable[[Check, Event], None]) -> None:
        self._requests = requests
        self._answered = answered
        self._asked: Check | None = None
        self._waiting: tuple[Recipe, RunPrompt, int] | None = None

    def ask(self, recipe: Recipe, prompt: RunPrompt, kept_rows: int) -> None:
        """Check ``recipe`` with ``prompt`` after the running check, which is cancelled.

        Args:
            recipe: The recipe.
            prompt: The prompt.
            kept_rows: Bound of the rows that are kept in memory, in bytes.
        """
        if self._asked:
            self._waiting = (recipe, prompt, kept_rows)
            self._asked.cancellation.request()
            return
        self._asked = Check(self._requests.new_id(), recipe, prompt, Cancellation(), kept_rows)
        self._requests.submit(self._asked, self._handle)

    def _handle(self, events: Sequence[Event]) -> None:
        asked, self._asked = self._asked, None
        if asked is None:
            return
        self._requests.forget(asked.id)
        if self._waiting:
            waiting, self._waiting = self._waiting, None
            self.ask(*waiting)
        self._answered(asked, events[-1])
