"""The answers of an evaluation as they come, and what they amount to. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.attribution.class_shifts import ClassShifts
from app.evaluation.exports import export_answers
from app.evaluation.plan import Prepared, runs_code
from app.evaluation.results import TaskResults, result_of
from app.evaluation.store import Record, ResultFolder
from app.evaluation.tasks import Task
from app.evaluation.variants import View


class Answers:
    """Keeps the answers of every view to every local task.

    Args:
        prepared: What is asked of whom.
    """

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self._records: dict[tuple[str, str], list[Record]] = {}
        self._shifts: dict[tuple[str, str], ClassShifts] = {}

    def add(self, task: Task, view: View, record: Record) -> None:
        """Take one answer."""
        place = task.name, view.title
        self._records.setdefault(place, []).append(record)
        for text in record.get("shifted", ()):
            shifts = self._shifts.setdefault(place, ClassShifts())
            shifts.add(text, code=runs_code(task))

    def of(self, task: Task, view: View) -> Sequence[Record]:
        """The answers of a view to a task, in the order in which they came."""
        return self._records.get((task.name, view.title), ())

    def results(self) -> list[TaskResults]:
        """Of every task what is there of it."""
        return [
            TaskResults(
                task.name,
                task.measured,
                task.higher_is_better,
                tuple(
                    result_of(view, records, self._shifts.get((task.name, view.title)))
                    for view in self._prepared.views
                    if (records := self.of(task, view))
                ),
            )
            for task in self._prepared.tasks
        ]

    def export(self, folder: ResultFolder) -> list[Path]:
        """Write what scorers elsewhere read, of views that have answered everything.

        Raises:
            EvaluationError: A file cannot be written.
        """
        return [
            path
            for task in self._prepared.tasks
            for view in self._prepared.views
            for path in export_answers(folder, task, view.title, self.of(task, view))
        ]
