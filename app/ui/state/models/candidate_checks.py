"""Checks of recipes other than that of the window, each answered once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from app.checkpoints.conversation import RunPrompt
from app.checkpoints.preflight_report import Preflight
from app.checkpoints.spec import Recipe
from app.engine.commands import Check
from app.engine.controls import Cancellation
from app.engine.events import Checked, Event, Failed
from app.errors import TuneshiftError
from app.ui.state.engine_requests import Requests


class CandidateChecks:
    """Any number of checks at a time.

    Args:
        requests: Sends commands to the engine.
        answered: Receives a recipe, and its check or the error.
    """

    def __init__(
        self, requests: Requests, answered: Callable[[Recipe, Preflight | TuneshiftError], None]
    ) -> None:
        self._requests = requests
        self._answered = answered
        self._asked: dict[int, Recipe] = {}

    def ask(self, recipe: Recipe, prompt: RunPrompt, row_bytes: int) -> None:
        """Check ``recipe`` with ``prompt``."""
        check = Check(self._requests.new_id(), recipe, prompt, Cancellation(), row_bytes)
        self._asked[check.id] = recipe
        self._requests.submit(check, partial(self._handle, check.id))

    def abandon(self, error: TuneshiftError) -> None:
        """Answer all checks with the error of an engine that has failed."""
        asked, self._asked = self._asked, {}
        for recipe in asked.values():
            self._answered(recipe, error)

    def _handle(self, id_: int, events: Sequence[Event]) -> None:
        recipe = self._asked.pop(id_, None)
        self._requests.forget(id_)
        event = events[-1]
        if recipe and isinstance(event, Checked):
            self._answered(recipe, event.preflight)
        elif recipe and isinstance(event, Failed) and event.error:
            self._answered(recipe, event.error)
