"""What a person has entered for a training, kept while its dialog is closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.training.plan.training_plan import TrainingPlan


@dataclass(frozen=True, slots=True)
class FormValues:
    """The content of the fields.

    Attributes:
        data: The folder or file, or ``builtin:NAME``.
        base: The source of the base; empty for that of the recipe.
        small: The source of the small model; empty for the proposed one.
        name: The name of the expert; empty for that of the data.
        negative: Whether the texts are what to steer away from.
        epochs: The epochs; 0 for as many as suit the data.
        prompt: The prompt format; empty for one that suits the data.
        match: The regular expression for what is compared of answers.
        quantization: The quantization of the frozen weights.
        settings: Other settings that differ from those that suit the data, by name.
    """

    data: str = ""
    base: str = ""
    small: str = ""
    name: str = ""
    negative: bool = False
    epochs: float = 0.0
    prompt: str = ""
    match: str = ""
    quantization: str = "none"
    settings: dict[str, Any] = field(default_factory=dict)


def values_of_plan(plan: TrainingPlan) -> FormValues:
    """What a plan knows of the fields; where its data are it does not."""
    return FormValues(
        base=plan.base.source,
        small=plan.small.source,
        name=plan.name,
        negative=plan.negative,
        match=plan.match,
    )
