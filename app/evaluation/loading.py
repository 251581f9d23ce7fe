"""Loading the models of an evaluation, with the same checks as the window."""

from __future__ import annotations

from collections.abc import Callable

from app.checkpoints.endpoints.tuned_server import connect_tuned
from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.loading.loader import load_recipe, still_needed
from app.checkpoints.memory.estimate import does_not_fit
from app.checkpoints.memory.heap import release_memory
from app.checkpoints.opening import open_recipe
from app.checkpoints.preflight import preflight
from app.checkpoints.proof.proof_report import ProofMode
from app.checkpoints.spec import Recipe
from app.checkpoints.status import LoadProgress
from app.checkpoints.vocabulary.compare import require_shared
from app.evaluation.evaluator import Evaluator
from app.evaluation.served_evaluator import ServedEvaluator


class ModelLoader:
    """Loads one recipe at a time; weights that consecutive recipes share are loaded once.

    Args:
        on_progress: Called while weights are loaded.
        cancelled: Called for each tensor.
        borrowed: A recipe that the engine has already loaded. It is used where possible, and stays
            loaded.
        proof: Whether to compare models with plain forward passes.
    """

    def __init__(
        self,
        on_progress: Callable[[LoadProgress], None] = lambda progress: None,
        cancelled: Callable[[], bool] = lambda: False,
        borrowed: LoadedRecipe | None = None,
        proof: ProofMode = ProofMode.KEPT,
    ) -> None:
        self._on_progress = on_progress
        self._cancelled = cancelled
        self._borrowed = borrowed
        self._proof = proof
        self._loaded: LoadedRecipe | None = None

    def evaluator(
        self, recipe: Recipe, batch_size: int | None, cancelled: Callable[[], bool]
    ) -> Evaluator | ServedEvaluator:
        """Load the models of ``recipe``, or connect with the server that has them.

        Args:
            recipe: The recipe.
            batch_size: Number of sequences in a batch, or of requests at once.
            cancelled: As for an ``Evaluator``.

        Raises:
            TuneshiftError: As :meth:`load`, or the server cannot be used.
            Cancelled: ``cancelled`` returned True.
        """
        if not recipe.base.tuned:
            return Evaluator(self.load(recipe), batch_size, cancelled)
        opened = open_recipe(recipe, weights_required=False, cancelled=self._cancelled)
        return ServedEvaluator(connect_tuned(opened, self._cancelled), batch_size, cancelled)

    def load(self, recipe: Recipe) -> LoadedRecipe:
        """Load the models of ``recipe``, replacing the previously loaded models.

        Raises:
            TuneshiftError: A checkpoint does not exist or is invalid, vocabularies differ, or
                memory does not suffice.
            Cancelled: ``cancelled`` returned True.
        """
        if self._borrowed and recipe.models == self._borrowed.recipe.models:
            return self._borrowed
        opened = open_recipe(recipe, on_progress=self._on_progress, cancelled=self._cancelled)
        freed = self._loaded.held_bytes() if self._loaded else {}
        found = preflight(opened, about_to_be_freed=freed, kept_rows=0)
        require_shared(found.vocabulary)
        if not found.memory.fits:
            raise does_not_fit(found.memory)
        held = {
            key: weights
            for loaded in (self._borrowed, self._loaded)
            if loaded is not None
            for key, weights in still_needed(loaded, opened).items()
        }
        self._loaded = None
        release_memory()
        self._loaded = load_recipe(
            opened,
            found.vocabulary.masked_ids,
            self._on_progress,
            self._cancelled,
            held,
            found.memory.spare,
            self._proof,
            found.vocabulary.bridged,
        )
        return self._loaded
