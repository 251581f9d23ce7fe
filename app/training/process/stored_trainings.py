"""The trainings in a folder: those that ended, and those that can go on. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.errors import EvaluationError, TrainingError
from app.training.data.training_files import TRAINING
from app.training.judging.verdict import Verdict, verdict_of
from app.training.plan.training_plan import TrainingPlan
from app.training.process.training_folder import TrainingFolder


@dataclass(frozen=True, slots=True)
class StoredTraining:
    """A training of which the process has ended.

    Attributes:
        folder: Its folder.
        plan: Its plan.
        began: When it began, in seconds since 1970.
        verdict: Its verdict; None if it can go on.
    """

    folder: TrainingFolder
    plan: TrainingPlan
    began: float
    verdict: Verdict | None


def stored_trainings(root: Path) -> list[StoredTraining]:
    """The trainings in the folders of ``root``, the latest first; damaged ones are left out."""
    return sorted(_found(root), key=lambda training: training.began, reverse=True)


def new_folder(root: Path, name: str) -> TrainingFolder:
    """A folder for a new training: ``name``, with a number if it is taken."""
    places = (root / (name if number < 2 else f"{name}-{number}") for number in range(1, 10_000))
    return TrainingFolder(next(path for path in places if not path.exists()))


def is_running(folder: TrainingFolder) -> bool:
    """Whether a process trains in the folder now, perhaps of another program."""
    try:
        with folder.lock():
            return False
    except EvaluationError:
        return True


def _found(root: Path) -> Iterator[StoredTraining]:
    for file in root.glob(f"*/{TRAINING}"):
        folder = TrainingFolder(file.parent)
        with suppress(TrainingError, OSError, KeyError, TypeError, ValueError):
            plan, _, began = folder.read_dated()
            values = folder.verdict()
            verdict = None if values is None else verdict_of(values)
            yield StoredTraining(folder, plan, began, verdict)
