"""A training before it begins, as a person sees it: what was asked for and what was found.

Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.checkpoints.preflight_report import MemoryEstimate
from app.checkpoints.spec import CheckpointSpec
from app.training.data.split import Split
from app.training.plan.training_memory import TrainingMemory
from app.training.plan.training_plan import TrainingPlan
from app.training.preparing.data_warnings import DataWarning


@dataclass(frozen=True, slots=True)
class ExamplePreview:
    """An example as it is read, for a person to check.

    Attributes:
        document: The name of its document.
        ids: The token ids.
        tokens: The text of each id.
        first_learned: The index of the first token that has a loss.
        cut: Whether it was too long.
    """

    document: str
    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    first_learned: int
    cut: bool


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What a person asks for.

    Attributes:
        data: A folder, or a file of texts, JSON lines or a table.
        small: The model to train.
        base: The model that the expert is to tune.
        name: The name of the expert; by default that of the data.
        prompt: The prompt format of the examples; by default one that suits the data.
        negative: Whether the texts are what to steer away from.
        match: A regular expression for what is compared of an answer; empty for no comparison.
        settings: Settings that differ from those that suit the data, by name.
    """

    data: Path
    small: CheckpointSpec
    base: CheckpointSpec
    name: str = ""
    prompt: str = ""
    negative: bool = False
    match: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DataSummary:
    """What the data are.

    Attributes:
        files: The number of files.
        documents: The number of documents that were read.
        training: How many are trained on.
        held_out: How many are held out.
        repeated: How many were left out because another one is the same.
        similar: How many were left out because a held-out one is nearly the same.
        examples: The number of examples that are trained on.
        tokens: The number of their tokens.
        median: The tokens of the example in the middle.
        longest: The tokens of the longest one, before it is cut.
        cut: How many examples are cut.
        warnings: What a person should look at first.
    """

    files: int
    documents: int
    training: int
    held_out: int
    repeated: int
    similar: int
    examples: int
    tokens: int
    median: int
    longest: int
    cut: int
    warnings: tuple[DataWarning, ...]


@dataclass(frozen=True, slots=True)
class Preparation:
    """A training that can begin.

    Attributes:
        plan: The plan.
        split: The documents.
        summary: What the data are.
        previews: The first examples as the small model reads them.
        memory: The memory that the training takes.
        judging: The memory of the base and the pair, which are loaded after it.
        steps: The number of steps of a full training.
    """

    plan: TrainingPlan
    split: Split
    summary: DataSummary
    previews: tuple[ExamplePreview, ...]
    memory: TrainingMemory
    judging: MemoryEstimate
    steps: int

    @property
    def fits(self) -> bool:
        """Whether there is memory for the training, and then for the models that judge it."""
        return self.memory.fits and all(device.fits for device in self.judging.devices)
