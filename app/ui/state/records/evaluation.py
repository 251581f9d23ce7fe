"""One evaluation as the window has it: what was asked, how far it is, and what came out."""

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
    """How far an evaluation is."""

    WAITING = "waiting"  # for models, or for tasks to be read
    RUNNING = "running"
    STOPPED = "stopped"
    COMPLETE = "complete"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answering:
    """The task and the view whose answer came last."""

    task: str
    view: Variant


@dataclass(eq=False)
class Evaluation:
    """What was asked of whom, and what is known by now.

    Attributes:
        id: In the history.
        folder: Where answers are kept.
        recipe: Whose roles were asked, with the weights that it had then.
        prepared: The tasks, once they have been read.
        answers: Those of local tasks.
        found: What the harness found; of an evaluation that was opened, all scores.
        records: Of an evaluation that was opened, answers by task and view.
        told: What is happening now.
        fresh: How many answers came that were not known before.
        began: When the first of these was waited for, by the monotonic clock.
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
        """Whether it is going on."""
        return self.stage in (Stage.WAITING, Stage.RUNNING)

    @property
    def total(self) -> int:
        """How many answers local tasks ask for; 0 while that is not known."""
        return self.prepared.answers if self.prepared else 0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take at the pace so far, or None while there is none."""
        if self.began is None or not self.fresh:
            return None
        return (time.monotonic() - self.began) / self.fresh * (self.total - self.done)

    def take(self, prepared: Prepared) -> None:
        """Its tasks have been read; answers that are known already come first."""
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
        """The answers of a view to a task, by their names."""
        return self.records.get((task, view), ())

    def shifts(self, task: str, view: str) -> ClassShifts | None:
        """Which tokens tuning changed in these answers; None where none is known of."""
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
