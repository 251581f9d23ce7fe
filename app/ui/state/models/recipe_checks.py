"""Asking the engine what is known of a recipe: one question at a time, and then the latest."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from app.checkpoints.spec import Recipe
from app.engine.messages import Cancellation, Check


class Checks:
    """Keeps questions from piling up behind a load or a run.

    Args:
        submit: Gives a command to the engine.
        ids: Where the ids of commands come from.
    """

    def __init__(self, submit: Callable[[Check], None], ids: itertools.count[int]) -> None:
        self._submit = submit
        self._ids = ids
        self._asked: Check | None = None
        self._waiting: tuple[Recipe, str] | None = None

    def ask(self, recipe: Recipe, prompt: str) -> None:
        """Ask about ``recipe`` with ``prompt``, once the question before is answered."""
        if self._asked:
            self._waiting = (recipe, prompt)
            self._asked.cancellation.request()
            return
        self._asked = Check(next(self._ids), recipe, prompt, Cancellation())
        self._submit(self._asked)

    def answered(self, id_: int) -> Check | None:
        """The question that ``id_`` answers, if it is the one that was asked."""
        asked = self._asked
        if asked is None or asked.id != id_:
            return None
        self._asked = None
        if self._waiting:
            waiting, self._waiting = self._waiting, None
            self.ask(*waiting)
        return asked
