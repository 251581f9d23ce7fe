"""The tokens of a run scored with its models in two dtypes or quantizations, for comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QObject, QTimer, Signal, SignalInstance

from app.checkpoints.requantized import as_stored, in_force, other_weights, requantized
from app.checkpoints.spec import Recipe
from app.checkpoints.status import RoleInForce
from app.decoding.types import FinishReason
from app.errors import RecipeError, TuneshiftError
from app.evaluation.run_comparison import first_other_token
from app.server.server_events import ServedModel
from app.ui.state.runs.run import Run
from app.ui.state.runs.runs import Runs

OPEN_RECIPE = ""
"""Instead of a dtype or quantization: the recipe that is open, which has other models."""


class Window(Protocol):
    """The part of the session that rescoring needs: runs, recipe and loading."""

    settings_changed: SignalInstance

    @property
    def runs(self) -> Runs: ...
    @property
    def recipe(self) -> Recipe: ...
    @property
    def model(self) -> ServedModel | None:
        """The loaded models of the recipe; None while none are loaded."""
        ...

    @property
    def roles_in_force(self) -> tuple[RoleInForce, ...]:
        """The loaded roles."""
        ...

    @property
    def token_labels(self) -> tuple[str, ...]:
        """Text of each token id; empty while no recipe is loaded."""
        ...

    @property
    def editable(self) -> bool:
        """Whether another recipe may be opened."""
        ...

    def lend(self, recipe: Recipe | None) -> None:
        """Load the models of another recipe for a while, or those of the window's again."""
        ...

    def cancel_load(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Stored:
    """The tokens of a run as scored in its own weights.

    Attributes:
        run: The run.
        own: The run that scored them.
        recipe: The recipe of the run with the dtypes that were in force.
    """

    run: Run
    own: Run
    recipe: Recipe


class Rescoring(QObject):
    """Scores the tokens of a run in its own weights and in others, and gives the models back.

    Generating rounds differently from scoring, so that a generated run is not compared itself: both
    runs that are compared have read the same blocks of given tokens. The recipe of the window stays
    as it is meanwhile.

    Args:
        window: The session.

    Attributes:
        again: The run that scores the tokens now; None while none does.
        problem: Why the last one ended too early; None if it did not, or was stopped.
    """

    changed = Signal()
    """``again`` or ``problem`` changed."""
    finished = Signal(object, object)
    """Both runs have all tokens: the one in the run's own weights, and the other."""

    def __init__(self, window: Window, parent: QObject) -> None:
        super().__init__(parent)
        self._window = window
        self._run: Run | None = None
        self._weights = OPEN_RECIPE
        self._title: Callable[[str], str] = str
        self._own: _Stored | None = None
        self._new_own: Run | None = None
        self._is_own = False
        self.again: Run | None = None
        self.problem: TuneshiftError | None = None
        window.runs.generation.ended.connect(self._on_ended)
        window.settings_changed.connect(self._forget)

    # What can be compared

    def may_use_open_recipe(self, run: Run) -> bool:
        """Whether the open recipe is loaded and has other models than the run."""
        window = self._window
        return bool(window.token_labels) and window.recipe.models != run.recipe.models

    def choices(self, run: Run) -> tuple[str, ...]:
        """The dtypes and quantizations that are other weights than those of the run.

        Which dtype ``auto`` is, is known of models that are loaded, or were for this run.
        """
        return other_weights(self._recipe_in_force(run))

    @staticmethod
    def as_stored(run: Run) -> tuple[str, ...]:
        """The names of the roles that have the same weights in every comparison."""
        return as_stored(run.recipe)

    def _recipe_in_force(self, run: Run) -> Recipe:
        if self._own and self._own.run is run:
            return self._own.recipe
        window = self._window
        loaded = window.model is not None and run.recipe.models == window.recipe.models
        return in_force(run.recipe, window.roles_in_force) if loaded else run.recipe

    def _own_of(self, run: Run) -> Run | None:
        """The run that has scored the same tokens in their own weights, if the window has it."""
        known = self._own
        same = known and known.run is run and known.own in self._window.runs.all
        return known.own if known and same and known.own.token_ids == run.token_ids else None

    def _forget(self) -> None:
        self._own = None  # the default dtype or device may have changed

    # Scoring

    @property
    def progress(self) -> tuple[int, int]:
        """How many tokens are scored, and how many will be, in both weights together."""
        if self._run is None or self.again is None:
            return 0, 0
        done, count = len(self.again.tokens), len(self._run.tokens)
        if self._is_own:
            return done, 2 * count
        return (done + count, 2 * count) if self._new_own else (done, count)

    def start(self, run: Run, weights: str, title: Callable[[str], str]) -> None:
        """Score the tokens of an ended run; does nothing while any run is active.

        Args:
            run: The run.
            weights: One of :data:`app.checkpoints.requantized.WEIGHTS`, or :data:`OPEN_RECIPE`.
            title: The name of a new run, from what its weights are called.
        """
        if not self._window.editable or self.again:
            return
        self.problem = None
        try:
            self._check(run, weights)
        except RecipeError as error:
            self.problem = error
            self.changed.emit()
            return
        self._run, self._weights, self._title = run, weights, title
        self._new_own = None
        if self._own_of(run):
            self._score_in_other_weights()
        else:
            self._own, self._is_own = None, True
            self._score(run, run.recipe)
        self.changed.emit()

    def stop(self) -> None:
        """Stop scoring, or the loading before it."""
        if self.again:
            self.again.cancellation.request()
            self._window.cancel_load()

    def _check(self, run: Run, weights: str) -> None:
        """Refuse what cannot be compared, as far as it is known before anything is loaded.

        Raises:
            RecipeError: Why not.
        """
        if weights == OPEN_RECIPE:
            labels = self._window.token_labels
            id_ = first_other_token(
                run.token_ids, run.label, lambda id_: labels[id_] if id_ < len(labels) else None
            )
            if id_ is not None:
                raise RecipeError(
                    self.tr("The open recipe has other tokens than the run"),
                    evidence=self.tr("token id {0}").format(id_),
                    next_step=self.tr("Open a recipe with the same vocabulary."),
                )
        elif weights not in self.choices(run):
            raise self._refusal(weights)

    def _refusal(self, weights: str) -> RecipeError:
        return RecipeError(
            self.tr("The models of the run were loaded as {0}").format(weights),
            next_step=self.tr("Choose another dtype or quantization."),
        )

    def _score(self, run: Run, lent: Recipe | None) -> None:
        self.again = self._window.runs.score_again(run, lent)
        if self.again is None:
            self._give_up()

    def _score_in_other_weights(self) -> None:
        assert self._run
        assert self._own
        lent, called = None, self._window.recipe.name
        if self._weights != OPEN_RECIPE:
            lent, called = requantized(self._own.recipe, self._weights), self._weights
        self._is_own = False
        self._score(self._run, lent)
        if self.again:
            self._window.runs.rename(self.again, self._title(called))

    def _on_ended(self, run: Run) -> None:
        if run is self.again:
            QTimer.singleShot(0, self, self._end)  # after all that follows the end of a load

    def _end(self) -> None:
        run, again = self._run, self.again
        assert run
        assert again
        self.again = None
        stopped = again.finish_reason is FinishReason.CANCELLED
        if len(again.tokens) < len(run.tokens) or again.failed or stopped:
            self.problem = again.error
            self._window.runs.remove(again)
            self._give_up()
        elif self._is_own:
            self._on_own(run, again)
        else:
            assert self._own
            self._run = None
            self._window.lend(None)
            self.finished.emit(self._own.own, again)
        self.changed.emit()

    def _on_own(self, run: Run, own: Run) -> None:
        """Go on with the other weights, unless they turn out to be those of the run."""
        roles = self._window.roles_in_force
        self._own, self._new_own = _Stored(run, own, in_force(run.recipe, roles)), own
        self._window.runs.rename(own, self._title(_called(roles)))
        if self._weights in (OPEN_RECIPE, *self.choices(run)):
            self._score_in_other_weights()
        else:
            self.problem = self._refusal(self._weights)
            self._give_up()

    def _give_up(self) -> None:
        """End without a result: the runs and the models of the window are those of before."""
        if self._new_own:
            self._window.runs.remove(self._new_own)
        self._run = self._new_own = None
        self._window.lend(None)


def _called(roles: tuple[RoleInForce, ...]) -> str:
    """What the weights of the roles are called, such as ``bfloat16``, each once."""
    named = (role.dtype if role.quantization == "none" else role.quantization for role in roles)
    return ", ".join(dict.fromkeys(named))
