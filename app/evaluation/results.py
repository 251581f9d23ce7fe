"""The results of an evaluation: scores by task and variant. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.attribution.class_shifts import ClassShifts
from app.evaluation.metrics import Measure, gap_closed, ratio
from app.evaluation.policy_verdict import PolicyVerdict
from app.evaluation.store import Record, ResultFolder
from app.evaluation.variants import Variant

MAX_RAISED = 8
"""How many of the most raised tokens of each class a report lists."""


@dataclass(frozen=True, slots=True)
class Result:
    """The score of one variant in one metric of a task.

    Attributes:
        variant: The variant.
        measure: The score.
        truncated: Number of prompts that were too long and lost their beginning.
        shifts: Mean shifts by class of token, for a tuned variant that generates.
        coverage: The mean of its answers, where a pair has another vocabulary: the probability
            under the base of the tokens of which every pair has an exact opinion.
        bounded: Likewise, of those of which a pair knows only the first piece; None if answers of
            an older version are among them, which do not have it.
    """

    variant: Variant
    measure: Measure
    truncated: int = 0
    shifts: ClassShifts | None = None
    coverage: float | None = None
    bounded: float | None = None


@dataclass(frozen=True, slots=True)
class TaskResults:
    """The scores of all variants in one metric of a task.

    Attributes:
        task: The name of the task.
        measured: The name of the metric.
        higher_is_better: Whether higher scores are better.
        results: The scores.
        policies: What the answers say about policies of alpha, where some were evaluated.
    """

    task: str
    measured: str
    higher_is_better: bool
    results: tuple[Result, ...]
    policies: PolicyVerdict | None = None

    @property
    def checkpoints(self) -> list[Result]:
        """The results of directly tuned checkpoints."""
        return [result for result in self.results if result.variant.kind == "checkpoint"]

    def gap_closed(self, result: Result, checkpoint: Result) -> float | None:
        """The share of the gain of ``checkpoint`` over the base that a tuned variant reaches.

        None for variants that are not tuned, and if the checkpoint gains nothing.
        """
        base = next((other for other in self.results if other.variant.kind == "base"), None)
        if base is None or result.variant.kind != "tuned":
            return None
        return gap_closed(
            base.measure.score,
            result.measure.score,
            checkpoint.measure.score,
            self.higher_is_better,
        )


def result_of(
    variant: Variant, records: Sequence[Record], shifts: ClassShifts | None = None
) -> Result:
    """The score of a variant in one task. There must be at least one answer.

    Args:
        variant: The variant.
        records: Its answers.
        shifts: Mean shifts by class of token, if known.
    """
    measure = ratio([float(r["value"]) for r in records], [float(r["size"]) for r in records])
    covered = [record for record in records if "coverage" in record]
    coverage, bounded = _mean(covered, "coverage"), _mean(covered, "bounded")
    cut = sum(bool(record.get("cut")) for record in records)
    return Result(variant, measure, cut, shifts, coverage, bounded)


def _mean(records: Sequence[Record], key: str) -> float | None:
    """The mean over answers that all have a number of this name; None if one does not."""
    if not records or not all(key in record for record in records):
        return None
    return sum(float(record[key]) for record in records) / len(records)


def as_json(found: Iterable[TaskResults]) -> list[dict[str, Any]]:
    """The results as plain data; unknown values are null."""
    return [
        {
            "task": task.task,
            "measure": task.measured,
            "higher_is_better": task.higher_is_better,
            "results": [_result(task, result) for result in task.results],
            **({"alpha_policies": task.policies.as_json()} if task.policies else {}),
        }
        for task in found
    ]


def report_of(recipe: str, found: Iterable[TaskResults], complete: bool) -> dict[str, Any]:
    """The contents of ``results.json``: recipe name, completeness and results."""
    return {"recipe": recipe, "complete": complete, "tasks": as_json(found)}


def write_report(
    folder: ResultFolder, recipe: str, found: Iterable[TaskResults], complete: bool
) -> Path:
    """Write ``results.json`` into the folder of the answers.

    Raises:
        EvaluationError: The file cannot be written.
    """
    return folder.write("results.json", report_of(recipe, found, complete))


def _result(task: TaskResults, result: Result) -> dict[str, Any]:
    variant, measure = result.variant, result.measure
    gaps = {
        other.variant.name: gap
        for other in task.checkpoints
        if (gap := task.gap_closed(result, other)) is not None and math.isfinite(gap)
    }
    return {
        "role": variant.name,
        "kind": variant.kind,
        "alphas": list(variant.alphas) if variant.kind == "tuned" else None,
        "alpha_scale": variant.scale if variant.kind == "tuned" else None,
        "alpha_policy": variant.policy.text if variant.kind == "tuned" else None,
        "score": measure.score if math.isfinite(measure.score) else None,
        "stderr": measure.stderr,
        "questions": measure.count,
        "prompts_cut": result.truncated,
        "coverage": result.coverage,
        "bounded": result.bounded,
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
                for each in total.raised(MAX_RAISED)
            ],
        }
        for name, total in [*shifts.classes.items(), ("all", shifts.whole)]
    }
