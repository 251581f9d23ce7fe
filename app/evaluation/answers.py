"""The answers of an evaluation while it runs, and their scores. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.attribution.class_shifts import ClassShifts
from app.evaluation.exports import export_answers
from app.evaluation.plan import Prepared, runs_code
from app.evaluation.policy_verdict import policy_verdict
from app.evaluation.results import TaskResults, result_of
from app.evaluation.store import Record, ResultFolder
from app.evaluation.tasks import Task
from app.evaluation.variants import Variant


class Answers:
    """Collects the answers of all variants to all local tasks.

    Args:
        prepared: The tasks and variants.
    """

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self._records: dict[tuple[str, str], list[Record]] = {}
        self._shifts: dict[tuple[str, str], ClassShifts] = {}

    def add(self, task: Task, variant: Variant, record: Record) -> None:
        """Add one answer."""
        place = task.name, variant.title
        self._records.setdefault(place, []).append(record)
        for text in record.get("shifted", ()):
            shifts = self._shifts.setdefault(place, ClassShifts())
            shifts.add(text, code=runs_code(task))

    def of(self, task: Task, variant: Variant) -> Sequence[Record]:
        """The answers of a variant to a task, in order of arrival."""
        return self._records.get((task.name, variant.title), ())

    def results(self) -> list[TaskResults]:
        """The scores of each task over the answers so far."""
        return [
            TaskResults(
                task.name,
                task.measured,
                task.higher_is_better,
                tuple(
                    result_of(variant, records, self._shifts.get((task.name, variant.title)))
                    for variant in self._prepared.variants
                    if (records := self.of(task, variant))
                ),
                policy_verdict(
                    {variant: self.of(task, variant) for variant in self._prepared.variants},
                    higher_is_better=task.higher_is_better,
                ),
            )
            for task in self._prepared.tasks
        ]

    def export(self, folder: ResultFolder) -> list[Path]:
        """Write the export files of all variants that have answered every question.

        Raises:
            EvaluationError: A file cannot be written.
        """
        return [
            path
            for task in self._prepared.tasks
            for variant in self._prepared.variants
            for path in export_answers(folder, task, variant.title, self.of(task, variant))
        ]
