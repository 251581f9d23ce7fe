"""The models of a training: a base, and the small models that can be trained for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.checkpoints.candidates.local_model import LocalModel
from app.checkpoints.candidates.partners import Partner, possible_bases
from app.checkpoints.candidates.trainable_models import trainable_models
from app.checkpoints.spec import PLAIN, CheckpointSpec, Recipe
from app.settings import Settings


class ExpertAssistant(QObject):
    """Proposes the base of the open recipe and the small model that suits it best.

    Args:
        recipe: The open recipe.
        settings: The preferences.
    """

    changed = Signal()
    """The models or a choice changed."""

    def __init__(self, recipe: Recipe, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._recipe = recipe
        self._settings = settings
        self.chosen_base = self.chosen_small = ""
        """The sources that a person chose; empty for those that are proposed."""
        self._models: tuple[LocalModel, ...] = ()
        self.bases: tuple[LocalModel, ...] = ()
        self.base: LocalModel | None = None
        self.smalls: tuple[Partner, ...] = ()
        self.small: Partner | None = None

    def show_models(self, models: Sequence[LocalModel]) -> None:
        """Take over the result of a search; what was chosen stays if it is still there."""
        self._models = tuple(models)
        self.bases = tuple(possible_bases(models))
        self._choose()

    def show_recipe(self, recipe: Recipe) -> None:
        """Propose the base of another recipe that was opened; what was chosen stays."""
        before, self._recipe = self._recipe, recipe
        if recipe.base != before.base:
            self._choose()

    def choose_base(self, source: str) -> None:
        """Choose the base; the small model stays if it goes with it."""
        self.chosen_base = source
        self._choose()

    def choose_small(self, source: str) -> None:
        """Choose the small model."""
        self.chosen_small = source
        self._choose()

    def base_spec(self, quantization: str = "none") -> CheckpointSpec | None:
        """The base as it is loaded, as in the open recipe if it is the same."""
        if self.base is None:
            return None
        base = self._recipe.base
        if base.source == self.base.source:
            return self._placed(replace(base, prompt=PLAIN, system=""))
        return self._placed(CheckpointSpec(self.base.source, quantization=quantization))

    def small_spec(self, quantization: str = "none") -> CheckpointSpec | None:
        """The small model as it is trained."""
        if self.small is None:
            return None
        return self._placed(CheckpointSpec(self.small.model.source, quantization=quantization))

    def _placed(self, spec: CheckpointSpec) -> CheckpointSpec:
        device = self._settings.device if spec.device == "auto" else spec.device
        return replace(spec, device=device)

    def _choose(self) -> None:
        bases = {model.source: model for model in self.bases}
        first = self.bases[0] if self.bases else None
        proposed = bases.get(self._recipe.base.source, first)
        self.base = bases.get(self.chosen_base, proposed)
        self.smalls = trainable_models(self.base, self._models) if self.base else ()
        smalls = {partner.model.source: partner for partner in self.smalls}
        best = self.smalls[0] if self.smalls else None
        self.small = smalls.get(self.chosen_small, best)
        self.changed.emit()
