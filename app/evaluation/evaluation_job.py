"""An evaluation as a job for the engine's thread. Imports no torch before it runs."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.checkpoints.spec import Recipe
from app.checkpoints.status import LoadProgress
from app.evaluation.folder_lock import lock_folder
from app.evaluation.plan import Plan, Prepared, prepare
from app.evaluation.results import TaskResults
from app.evaluation.store import ResultFolder

if TYPE_CHECKING:
    from app.checkpoints.loading.loaded_recipe import LoadedRecipe
    from app.evaluation.loading import ModelLoader

ProgressReport = str | LoadProgress
"""A progress message of lm-evaluation-harness, or the progress of loading a model."""


@dataclass(frozen=True, slots=True)
class HarnessFinished:
    """The scores of the tasks of lm-evaluation-harness."""

    results: tuple[TaskResults, ...]


@dataclass(frozen=True, slots=True)
class EvaluationJob:
    """Evaluates a plan with borrowed models, and loads additional models if the plan needs them.

    The generator yields the prepared plan (``Prepared``), each answer (``AnsweredQuestion``), and
    finally ``HarnessFinished`` if there are harness tasks.

    Attributes:
        plan: The evaluation plan.
        alphas: The alphas to use, which may differ from those of the loaded recipe.
        folder: The folder for answers.
        single_model: Creates a recipe in which one model has all roles.
        cancelled: Called before each prefill chunk and each token.
        on_progress: Called on the engine's thread.
    """

    plan: Plan
    alphas: tuple[float, ...]
    folder: Path
    single_model: Callable[[str], Recipe]
    cancelled: Callable[[], bool]
    on_progress: Callable[[ProgressReport], None]

    @property
    def name(self) -> str:
        return "evaluation"

    def __call__(self, borrowed: LoadedRecipe, /) -> Generator[object, None, None]:
        with lock_folder(self.folder):
            yield from self._answers(borrowed)

    def _answers(self, borrowed: LoadedRecipe) -> Generator[object, None, None]:
        from app.evaluation.evaluation_run import evaluate
        from app.evaluation.loading import ModelLoader

        prepared = prepare(self.plan, borrowed.recipe.with_alphas(self.alphas), self.single_model)
        yield prepared
        folder = ResultFolder(self.folder)
        models = ModelLoader(self.on_progress, self.cancelled, borrowed)
        size = self.plan.batch_size
        yield from evaluate(prepared.tasks, prepared.variants, folder, models, size, self.cancelled)
        if prepared.harness is not None:
            yield HarnessFinished(tuple(self._ask_harness(prepared, folder, models)))

    def _ask_harness(
        self, prepared: Prepared, folder: ResultFolder, models: ModelLoader
    ) -> list[TaskResults]:
        from app.evaluation.harness import evaluate_with_harness

        assert prepared.harness is not None
        return evaluate_with_harness(
            prepared.harness,
            prepared.variants,
            folder,
            models,
            limit=self.plan.limit,
            batch_size=self.plan.batch_size,
            cancelled=self.cancelled,
            on_progress=self.on_progress,
        )
