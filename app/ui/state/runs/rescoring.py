"""The tokens of a run scored again with its models in another dtype or quantization."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoStack

from app.checkpoints.requantized import requantized
from app.checkpoints.spec import Recipe
from app.decoding.types import FinishReason
from app.errors import RecipeError, TuneshiftError
from app.ui.state.runs.run import Run
from app.ui.state.runs.runs import Runs

OPEN_RECIPE = ""
"""Instead of a dtype or quantization: the recipe that is open, which has other models."""


class Window(Protocol):
    """The part of the session that rescoring needs: runs, recipe and loading."""

    undo_stack: QUndoStack

    @property
    def runs(self) -> Runs: ...
    @property
    def recipe(self) -> Recipe: ...
    @property
    def token_labels(self) -> tuple[str, ...]:
        """Text of each token id; empty while no recipe is loaded."""
        ...

    @property
    def editable(self) -> bool:
        """Whether another recipe may be opened."""
        ...

    def open_recipe(self, recipe: Recipe) -> None: ...
    def cancel_load(self) -> None: ...


class Rescoring(QObject):
    """Scores the tokens of a run again, and gives the window its recipe back afterwards.

    Args:
        window: The session.

    Attributes:
        again: The run that scores the tokens now; None while none does.
        problem: Why the last one ended too early; None if it did not, or was stopped.
    """

    changed = Signal()
    """``again`` or ``problem`` changed."""
    finished = Signal(object, object)
    """All tokens of the first run were scored by the second one."""

    def __init__(self, window: Window, parent: QObject) -> None:
        super().__init__(parent)
        self._window = window
        self._run: Run | None = None
        self._opened: Recipe | None = None
        self._before: Recipe | None = None
        self.again: Run | None = None
        self.problem: TuneshiftError | None = None
        window.runs.generation.ended.connect(self._on_ended)

    def may_use_open_recipe(self, run: Run) -> bool:
        """Whether the open recipe is loaded and has other models than the run."""
        window = self._window
        return bool(window.token_labels) and window.recipe.models != run.recipe.models

    def start(self, run: Run, weights: str, name: str) -> None:
        """Score the tokens of an ended run; does nothing while any run is active.

        Args:
            run: The run.
            weights: One of :data:`app.checkpoints.requantized.WEIGHTS`, or :data:`OPEN_RECIPE`.
            name: The name of the new run.
        """
        if not self._window.editable or self.again:
            return
        self.problem = None
        try:
            if weights == OPEN_RECIPE:
                self._check_vocabulary(run)
            else:
                self._open(run, weights)
        except RecipeError as error:
            self.problem = error
        else:
            self._run, self.again = run, self._window.runs.score_again(run)
            if self.again is None:
                self._give_back()
            else:
                self._window.runs.rename(self.again, name)
        self.changed.emit()

    def stop(self) -> None:
        """Stop scoring, or the loading before it."""
        if self.again:
            self.again.cancellation.request()
            self._window.cancel_load()

    def _check_vocabulary(self, run: Run) -> None:
        """Refuse models for which the ids of the run are other tokens.

        Raises:
            RecipeError: Some id is.
        """
        labels = self._window.token_labels
        for id_ in set(run.token_ids):
            if id_ >= len(labels) or labels[id_] != run.label(id_):
                raise RecipeError(
                    self.tr("The open recipe has other tokens than the run"),
                    evidence=self.tr("token id {0}").format(id_),
                    next_step=self.tr("Open a recipe with the same vocabulary."),
                )

    def _open(self, run: Run, weights: str) -> None:
        """Open the recipe of the run in other weights.

        Raises:
            RecipeError: None of its models can be loaded in them, or all are.
        """
        recipe = requantized(run.recipe, weights)
        if recipe.models == run.recipe.models:
            raise RecipeError(
                self.tr("The models of the run were loaded as {0}").format(weights),
                next_step=self.tr("Choose another dtype or quantization."),
            )
        self._before = self._window.recipe
        self._opened = replace(recipe, new_seeds=self._before.new_seeds)
        self._window.open_recipe(self._opened)

    def _on_ended(self, run: Run) -> None:
        if run is self.again:
            QTimer.singleShot(0, self, self._end)  # after all that follows the end of a load

    def _end(self) -> None:
        run, again = self._run, self.again
        self._run = self.again = None
        assert run
        assert again
        self._give_back()
        done = len(again.tokens) == len(run.tokens) and not again.failed
        if not done:
            self.problem = again.error
            self._window.runs.remove(again)
        self.changed.emit()
        if done and again.finish_reason is not FinishReason.CANCELLED:
            self.finished.emit(run, again)

    def _give_back(self) -> None:
        """Open the recipe again that the window had."""
        before, self._before = self._before, None
        if before is None:
            return
        if self._window.recipe is self._opened:
            self._window.undo_stack.undo()
        else:  # alphas were moved meanwhile
            self._window.open_recipe(before)
        self._opened = None
