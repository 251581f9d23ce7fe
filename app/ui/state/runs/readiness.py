"""Checks whether a run can be started or continued, and reports why it cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject

from app.checkpoints.conversation import RunPrompt, last_message
from app.checkpoints.spec import Recipe
from app.errors import PromptError, RecipeError, TuneshiftError
from app.ui.state.runs.run import Run


class Models(Protocol):
    """The part of the session that runs need: recipe, token texts, loading and errors."""

    @property
    def recipe(self) -> Recipe: ...
    @property
    def recipe_in_use(self) -> Recipe:
        """``recipe``, or another one that scores a run for a while."""
        ...

    @property
    def token_labels(self) -> tuple[str, ...]:
        """Text of each token id; empty while no recipe is loaded."""
        ...

    def prepare_run(self, lent: Recipe | None = None) -> bool:
        """Start loading the recipe, or ``lent``, unless it is; False if the engine has failed."""
        ...

    def report(self, error: TuneshiftError, details: str = "") -> None: ...


class Readiness(QObject):
    """Checks the preconditions of starting and continuing runs.

    Args:
        models: The session.
        running: Whether any run is active.
    """

    def __init__(self, models: Models, running: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._models = models
        self._running = running

    def may_start(self, prompt: RunPrompt, lent: Recipe | None = None) -> bool:
        """Whether a run of ``prompt`` can start; reports an error if something is missing.

        Args:
            prompt: The prompt.
            lent: Another recipe than that of the window, whose models are loaded for this run.
        """
        if self._running():
            return False
        if not last_message(prompt):
            self._models.report(
                PromptError(
                    self.tr("The prompt is empty"), next_step=self.tr("Type some text to continue.")
                )
            )
            return False
        return self._models.prepare_run(lent)

    def may_continue(self, run: Run) -> bool:
        """Whether ``run`` can be continued; reports an error if its models are not the recipe's."""
        if self._running():
            return False
        if not self.can_continue(run):
            self._models.report(
                RecipeError(
                    self.tr("This run was generated with other models"),
                    evidence=self.tr("its recipe is “{0}”").format(run.recipe.name),
                    next_step=self.tr("Open that recipe, or generate again with the current one."),
                )
            )
            return False
        return self._models.prepare_run()

    def can_continue(self, run: Run) -> bool:
        """Whether the current recipe has the models of ``run``."""
        return run.recipe.models == self._models.recipe.models
