"""Models that stay in memory while the roles of an edited recipe do not go together yet."""

from __future__ import annotations

from dataclasses import dataclass

from app.checkpoints.preflight_report import Preflight
from app.checkpoints.spec import Recipe
from app.engine.events import Loaded


@dataclass(frozen=True, slots=True)
class KeptModels:
    """The loaded models of the recipe before an edit.

    Attributes:
        recipe: The recipe of the window before the edit.
        loaded: The event of their load.
        preflight: Their check; None if it is not known any more.
    """

    recipe: Recipe
    loaded: Loaded
    preflight: Preflight | None

    def unless_replaced(self, load: int | None) -> KeptModels | None:
        """These models if the engine has those of this load in memory, otherwise None."""
        return self if self.loaded.id == load else None

    def are_of(self, checked: Recipe) -> bool:
        """Whether these are the models of a recipe with its devices and dtypes filled in."""
        return self.loaded.recipe.models == checked.models
