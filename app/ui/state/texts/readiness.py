"""Whether a text may begin or go on now; the person is told why where it may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject

from app.checkpoints.spec import Recipe
from app.errors import PromptError, RecipeError, TuneshiftError
from app.ui.state.texts.text_run import Run


class Models(Protocol):
    """What the runs need to know of the models and how to ask them."""

    @property
    def recipe(self) -> Recipe: ...
    @property
    def token_labels(self) -> tuple[str, ...]:
        """What to call each id, or nothing while no recipe is loaded."""
        ...

    def prepare_run(self) -> bool:
        """See to it that the recipe is loaded or being loaded; False where it cannot be."""
        ...

    def report(self, error: TuneshiftError, details: str = "") -> None: ...


class Readiness(QObject):
    """Asks the models before a text begins or goes on.

    Args:
        models: The session.
        running: Whether tokens are being generated for any text.
    """

    def __init__(self, models: Models, running: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._models = models
        self._running = running

    def may_start(self, prompt: str) -> bool:
        """Whether a text may begin after ``prompt``; says what is missing where it may not."""
        if self._running():
            return False
        if not prompt:
            self._models.report(
                PromptError(
                    self.tr("The prompt is empty"), next_step=self.tr("Type some text to continue.")
                )
            )
            return False
        return self._models.prepare_run()

    def may_continue(self, run: Run) -> bool:
        """Whether the models that are loaded are those of ``run``; says so where they are not."""
        if self._running():
            return False
        if not self.can_continue(run):
            self._models.report(
                RecipeError(
                    self.tr("This text was made with other models"),
                    evidence=self.tr("it is of the recipe “{0}”").format(run.recipe.name),
                    next_step=self.tr(
                        "Open that recipe, or generate the text again with this one."
                    ),
                )
            )
            return False
        return self._models.prepare_run()

    def can_continue(self, run: Run) -> bool:
        """Whether the recipe in the window has the models that ``run`` was made with."""
        return run.recipe.models == self._models.recipe.models
