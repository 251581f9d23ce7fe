"""An evaluation in the window: its plan, its progress and its results."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from app.attribution.class_shifts import ClassShifts, class_shifts
from app.checkpoints.spec import Recipe
from app.errors import TuneshiftError
from app.evaluation.answers import Answers
from app.evaluation.evaluation_job import ProgressReport
from app.evaluation.plan import Plan, Prepared
from app.evaluation.results import TaskResults
from app.evaluation.store import Record
from app.evaluation.variants import Variant

_CODE = "pass@"


class Stage(StrEnum):
    """State of an evaluation."""

    WAITING = "waiting"  # for models, or for tasks to be read
    RUNNING = "running"
    STOPPED = "stopped"
    COMPLETE = "complete"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answering:
    """The task and the view of the last answer."""

    task: str
    view: Variant


@dataclass(eq=False)
class Evaluation:
    """An evaluation with its answers so far.

    Attributes:
        id: Id in the history.
        plan: Tasks, roles and limits.
        folder: Folder of the answers.
        recipe: The evaluated recipe, with its alphas at that time.
        prepared: The tasks, once they have been read.
        answers: Answers to local tasks.
        found: Results of the harness; for an opened evaluation, all results.
        records: Answers by task and view.
        told: The current activity.
        done: Number of answers so far.
        fresh: Number of answers that were not known before.
        began: Start of the wait for the first of these, by the monotonic clock.
    """

    id: str
    plan: Plan
    folder: Path
    recipe: Recipe
    stage: Stage = Stage.WAITING
    prepared: Prepared | None = None
    answers: Answers | None = None
    found: Sequence[TaskResults] = ()
    records: dict[tuple[str, str], list[Record]] = field(default_factory=dict)
    error: TuneshiftError | None = None
    told: ProgressReport | Answering = ""
    done: int = 0
    fresh: int = 0
    began: float | None = None
    _counted: dict[tuple[str, str], ClassShifts] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """Whether the evaluation is waiting or running."""
        return self.stage in (Stage.WAITING, Stage.RUNNING)

    @property
    def total(self) -> int:
        """Number of answers of local tasks; 0 while unknown."""
        return self.prepared.answers if self.prepared else 0

    @property
    def seconds_left(self) -> float | None:
        """Estimated remaining time at the rate so far; None while unknown."""
        if self.began is None or not self.fresh:
            return None
        return (time.monotonic() - self.began) / self.fresh * (self.total - self.done)

    def take(self, prepared: Prepared) -> None:
        """Set the tasks, which have been read; known answers come first."""
        self.prepared, self.answers = prepared, Answers(prepared)
        self.stage = Stage.RUNNING
        self.found, self.done, self.fresh = (), 0, 0
        self.began = None
        self.records.clear()

    def results(self) -> list[TaskResults]:
        """The scores so far."""
        local = self.answers.results() if self.answers else []
        return [*local, *self.found]

    def of(self, task: str, view: str) -> Sequence[Record]:
        """The answers of the view ``view`` to the task ``task``."""
        return self.records.get((task, view), ())

    def shifts(self, task: str, view: str) -> ClassShifts | None:
        """Shifts by class of token in these answers; None if unknown."""
        for each in self.results():
            for result in each.results:
                if each.task == task and result.variant.title == view and result.shifts:
                    return result.shifts
        place = task, view
        if place not in self._counted and self.answers is None:
            code = any(e.measured.startswith(_CODE) for e in self.found if e.task == task)
            texts = (text for record in self.of(*place) for text in record.get("shifted", ()))
            self._counted[place] = class_shifts(texts, code=code)
        counted = self._counted.get(place)
        return counted if counted and counted.texts else None
