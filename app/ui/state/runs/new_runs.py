"""Makes runs and branches with the current recipe."""

from __future__ import annotations

from app.attribution.row_store import RowBudget, RowStore
from app.checkpoints.conversation import RunPrompt
from app.checkpoints.spec import Recipe
from app.decoding.noise import new_seed
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
        """A run of the recipe in use.

        Args:
            prompt: The text or the conversation that the run continues.
            role: Index of the role that generates alone, or None for tuned.
            place: Where the run belongs in its conversation.
            seed: A seed of its own; by default that of the recipe, or a new one if the recipe
                has a new seed for each run.
        """
        if seed is None:
            seed = self.common_seed()
        run = Run(
            self._requests.new_id(),
            prompt,
            self._models.recipe_in_use,
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

    def common_seed(self) -> int | None:
        """A seed for several runs to compare; None if that of the recipe applies."""
        return new_seed() if self._models.recipe_in_use.new_seeds else None

    def branch(self, run: Run, index: int) -> Run:
        """A run that shares the first ``index`` tokens of ``run``."""
        place = ChatPlace(run.follows, run.chat)
        branch = self.make(run.prompt, run.role, place, self._seed_of(run))
        branch.parent = run
        branch.copy_from(run, index)
        return branch

    def recipe_of(self, run: Run) -> Recipe:
        """The recipe in use with the seed of the run."""
        seed, recipe = self._seed_of(run), self._models.recipe_in_use
        return recipe if seed is None else recipe.with_seed(seed)

    def _seed_of(self, run: Run) -> int | None:
        """The seed that the run keeps; None if that of the recipe applies."""
        if run.seed is None and self._models.recipe_in_use.new_seeds:
            return run.recipe.sampling.seed
        return run.seed
