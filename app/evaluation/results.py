"""What an evaluation found: a score for every task and view. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.attribution.class_shifts import ClassShifts
from app.evaluation.metrics import Measure, gap_closed, ratio
from app.evaluation.store import Record, ResultFolder
from app.evaluation.variants import View

MOST_RAISED = 8
"""How many of the most raised tokens are told of each class."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one view reached in one measure of a task.

    Attributes:
        view: Whose score it is.
        measure: The score.
        cut: How many prompts were too long and lost their beginning.
        shifts: Which tokens tuning changed, of a tuned view that generated texts.
    """

    view: View
    measure: Measure
    cut: int = 0
    shifts: ClassShifts | None = None


@dataclass(frozen=True, slots=True)
class TaskResults:
    """Every view's score in one measure of a task, in the order of the views."""

    task: str
    measured: str
    higher_is_better: bool
    results: tuple[Result, ...]

    @property
    def checkpoints(self) -> list[Result]:
        """What was tuned directly, for comparison."""
        return [result for result in self.results if result.view.kind == "checkpoint"]

    def gap_closed(self, result: Result, checkpoint: Result) -> float | None:
        """Which share of what ``checkpoint`` gains over the base a tuned view has too.

        None for other views, and where the checkpoint gains nothing.
        """
        base = next((other for other in self.results if other.view.kind == "base"), None)
        if base is None or result.view.kind != "tuned":
            return None
        return gap_closed(
            base.measure.score,
            result.measure.score,
            checkpoint.measure.score,
            self.higher_is_better,
        )


def result_of(view: View, records: Sequence[Record], shifts: ClassShifts | None = None) -> Result:
    """The score of a view's answers to one task, at least one.

    Args:
        view: Who answered.
        records: The answers.
        shifts: Which tokens tuning changed in them, where that is known.
    """
    measure = ratio([float(r["value"]) for r in records], [float(r["size"]) for r in records])
    return Result(view, measure, sum(bool(record.get("cut")) for record in records), shifts)


def as_json(found: Iterable[TaskResults]) -> list[dict[str, Any]]:
    """The results as plain data; what is not known is null."""
    return [
        {
            "task": task.task,
            "measure": task.measured,
            "higher_is_better": task.higher_is_better,
            "results": [_result(task, result) for result in task.results],
        }
        for task in found
    ]


def report_of(recipe: str, found: Iterable[TaskResults], complete: bool) -> dict[str, Any]:
    """The results with what they are of, as plain data."""
    return {"recipe": recipe, "complete": complete, "tasks": as_json(found)}


def write_report(
    folder: ResultFolder, recipe: str, found: Iterable[TaskResults], complete: bool
) -> Path:
    """Write the results into the folder of the answers.

    Raises:
        EvaluationError: The file cannot be written.
    """
    return folder.write("results.json", report_of(recipe, found, complete))


def _result(task: TaskResults, result: Result) -> dict[str, Any]:
    view, measure = result.view, result.measure
    gaps = {
        other.view.name: gap
        for other in task.checkpoints
        if (gap := task.gap_closed(result, other)) is not None and math.isfinite(gap)
    }
    return {
        "role": view.name,
        "kind": view.kind,
        "alphas": list(view.alphas) if view.kind == "tuned" else None,
        "alpha_scale": view.scale if view.kind == "tuned" else None,
        "score": measure.score if math.isfinite(measure.score) else None,
        "stderr": measure.stderr,
        "questions": measure.count,
        "prompts_cut": result.cut,
        "gap_closed": gaps,
        "shifts": None if result.shifts is None else _shifts(result.shifts),
    }


def _shifts(shifts: ClassShifts) -> dict[str, Any]:
    return {
        str(name): {
            "tokens": total.count,
            "mean_shift": total.mean_shift if total.count else None,
            "raised": [
                {"token": each.name, "count": each.count, "mean_shift": each.mean_shift}
                for each in total.raised(MOST_RAISED)
            ],
        }
        for name, total in [*shifts.classes.items(), ("all", shifts.whole)]
    }
