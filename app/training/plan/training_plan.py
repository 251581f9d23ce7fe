"""The plan of a training: the models, the format of prompts and the settings. Imports no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.training.plan.training_settings import TrainingSettings

ALPHAS = (0.25, 0.5, 1.0, 1.5, 2.0)
"""The α at which the tuned model is judged."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What is trained, and what it is judged with.

    Attributes:
        name: The name of the expert, which is that of its pair in the recipe.
        small: The model that is trained, with the prompt format of the examples.
        base: The model that the expert is to tune.
        settings: The settings of the training.
        negative: Whether the texts are what to steer away from. The trained model is then the
            anti-expert, and the small model the expert.
        match: A regular expression for what is compared of an answer; its last match counts. Empty
            if answers are not compared.
        data: The name of the data, for the model card.
    """

    name: str
    small: CheckpointSpec
    base: CheckpointSpec
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    negative: bool = False
    match: str = ""
    data: str = ""

    def recipe(self, adapter: str) -> Recipe:
        """The recipe with the small model as one role of the pair and the adapter as the other.

        Args:
            adapter: The folder of the adapter.
        """
        trained = replace(self.small, source=f"adapter:{adapter}", over=self.small.source)
        pair = (self.small, trained) if self.negative else (trained, self.small)
        return Recipe(
            name=self.name,
            base=self.base,
            pairs=(ExpertPair(self.name, *pair),),
            description=f"An expert trained on {self.data}." if self.data else "",
            prompt=self.base.prompt,
            system=self.base.system,
        )

    def as_json(self) -> dict[str, Any]:
        """Plain data that :meth:`of_json` reads back."""
        return asdict(self)

    @staticmethod
    def of_json(values: dict[str, Any]) -> TrainingPlan:
        """The plan of :meth:`as_json`."""
        return TrainingPlan(
            **{
                **values,
                "small": CheckpointSpec(**values["small"]),
                "base": CheckpointSpec(**values["base"]),
                "settings": TrainingSettings(**values["settings"]),
            }
        )
