"""What an evaluation found: a score for every task and view. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from app.evaluation.metrics import Measure, gap_closed, ratio
from app.evaluation.store import Record
from app.evaluation.views import View


@dataclass(frozen=True, slots=True)
class Result:
    """What one view reached in one measure of a task.

    Attributes:
        view: Whose score it is.
        measure: The score.
        cut: How many prompts were too long and lost their beginning.
    """

    view: View
    measure: Measure
    cut: int = 0


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


def result_of(view: View, records: Sequence[Record]) -> Result:
    """The score of a view's answers to one task."""
    measure = ratio([float(r["value"]) for r in records], [float(r["size"]) for r in records])
    return Result(view, measure, sum(bool(record.get("cut")) for record in records))


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
    }
