"""Makes runs and branches with the current recipe."""

from __future__ import annotations

from dataclasses import replace

from app.attribution.row_store import RowBudget, RowStore
from app.checkpoints.conversation import RunPrompt
from app.checkpoints.spec import Recipe
from app.engine.controls import LiveAlphas
from app.ui.state.engine_requests import Requests
from app.ui.state.runs.readiness import Models
from app.ui.state.runs.run import NO_CHAT, ChatPlace, Run


class NewRuns:
    """Makes runs, which are neither started nor in the list of runs yet.

    Args:
        models: The session.
        requests: Numbers the runs.
        budget: Memory limit of the kept logits of all runs.
    """

    def __init__(self, models: Models, requests: Requests, budget: RowBudget) -> None:
        self._models = models
        self._requests = requests
        self._budget = budget

    def make(
        self,
        prompt: RunPrompt,
        role: int | None = None,
        place: ChatPlace = NO_CHAT,
        seed: int | None = None,
    ) -> Run:
        """A run of the current recipe; ``seed`` is one of its own."""
        run = Run(
            self._requests.new_id(),
            prompt,
            self._models.recipe,
            LiveAlphas(()),
            RowStore(self._budget),
            self._models.token_labels,
            role,
            follows=place.follows,
            chat=place.chat,
            seed=seed,
        )
        run.recipe = self.recipe_of(run)
        return run

    def branch(self, run: Run, index: int) -> Run:
        """A run that shares the first ``index`` tokens of ``run``."""
        place = ChatPlace(run.follows, run.chat)
        branch = self.make(run.prompt, run.role, place, run.seed)
        branch.parent = run
        branch.copy_from(run, index)
        return branch

    def recipe_of(self, run: Run) -> Recipe:
        """The current recipe with the run's own seed, if it has one."""
        recipe = self._models.recipe
        if run.seed is None:
            return recipe
        return replace(recipe, sampling=replace(recipe.sampling, seed=run.seed))
