"""An evaluation as a job for the engine's thread. Imports no torch before it runs."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.checkpoints.spec import Recipe
from app.checkpoints.status import LoadProgress
from app.evaluation.plan import Plan, Prepared, prepare
from app.evaluation.results import TaskResults
from app.evaluation.store import ResultFolder

if TYPE_CHECKING:
    from app.checkpoints.loading.loader import LoadedRecipe
    from app.evaluation.loading import Models

Told = str | LoadProgress
"""What is happening meanwhile: a line of the harness, or a model that is being loaded."""


@dataclass(frozen=True, slots=True)
class FoundByHarness:
    """What the tasks of the harness came to."""

    results: tuple[TaskResults, ...]


@dataclass(frozen=True, slots=True)
class EvaluationJob:
    """A job that evaluates a plan with borrowed models, and loads the models that it lacks.

    It yields what the plan means (``Prepared``), every answer (``run.Answered``), and at the end
    what the harness found.

    Attributes:
        plan: What is asked for.
        alphas: The alphas of the recipe, which may have changed since it was loaded.
        folder: Where answers are kept.
        alone: Makes a recipe of one model and itself.
        cancelled: Asked before every chunk of a prompt and every token.
        tell: Receives what is happening, on the thread that works.
    """

    plan: Plan
    alphas: tuple[float, ...]
    folder: Path
    alone: Callable[[str], Recipe]
    cancelled: Callable[[], bool]
    tell: Callable[[Told], None]

    @property
    def name(self) -> str:
        return "evaluation"

    def __call__(self, borrowed: LoadedRecipe, /) -> Generator[object, None, None]:
        from app.evaluation.evaluation_run import evaluate
        from app.evaluation.loading import Models

        prepared = prepare(self.plan, borrowed.recipe.with_alphas(self.alphas), self.alone)
        yield prepared
        folder = ResultFolder(self.folder)
        models = Models(self.tell, self.cancelled, borrowed)
        size = self.plan.batch_size
        yield from evaluate(prepared.tasks, prepared.views, folder, models, size, self.cancelled)
        if prepared.harness is not None:
            yield FoundByHarness(tuple(self._ask_harness(prepared, folder, models)))

    def _ask_harness(
        self, prepared: Prepared, folder: ResultFolder, models: Models
    ) -> list[TaskResults]:
        from app.evaluation.harness import evaluate_with_harness

        assert prepared.harness is not None
        return evaluate_with_harness(
            prepared.harness,
            prepared.views,
            folder,
            models,
            limit=self.plan.limit,
            batch_size=self.plan.batch_size,
            cancelled=self.cancelled,
            on_progress=self.tell,
        )
