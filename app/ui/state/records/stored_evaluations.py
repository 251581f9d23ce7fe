"""Evaluations in the history: listed, read, saved and deleted on a thread of their own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.errors import HistoryError, TuneshiftError
from app.evaluation.answers import Answers
from app.evaluation.history_summary import plan_of, results_of
from app.evaluation.results import TaskResults, write_report
from app.evaluation.store import ResultFolder
from app.history.database import Database
from app.history.evaluation_summaries import EvaluationArchive, EvaluationSummary
from app.history.provenance import recipe_from_store
from app.ui.state.background import Background
from app.ui.state.records.evaluation import Evaluation, Stage


class StoredEvaluations(QObject):
    """The evaluations in the history, with the folders of their answers.

    What is asked for is done in its order, on a thread that exists only while there is work.

    Args:
        report: Shows an error.

    Attributes:
        listed: The summaries, newest first, as they were last read.
        background: The thread.
    """

    changed = Signal()
    """``listed`` was read again."""

    def __init__(self, report: Callable[[TuneshiftError], None], parent: QObject) -> None:
        super().__init__(parent)
        self._report = report
        self._history: Path | None = None
        self.listed: list[EvaluationSummary] = []
        self.background = Background("evaluations", self)

    def open(self, history: Path) -> None:
        """Set the file of the history; answers are kept in a folder beside it."""
        self._history = history

    def folder(self, evaluation_id: str) -> Path:
        """The folder of the answers of an evaluation that the window starts."""
        base = self._history.parent if self._history else Path.cwd()
        return base / "evaluations" / evaluation_id

    def refresh(self) -> None:
        """Read the list again."""
        self._change(lambda archive: None)

    def save(self, summarize: Callable[[], EvaluationSummary]) -> None:
        """Save a summary, which is made on the thread."""
        self._change(lambda archive: archive.put(summarize()))

    def export(
        self,
        folder: Path,
        answers: Answers,
        recipe_name: str,
        found: list[TaskResults],
        *,
        complete: bool,
    ) -> None:
        """Write the results and the files for scorers into the folder of an evaluation."""

        def write() -> None:
            results = ResultFolder(folder)
            write_report(results, recipe_name, found, complete)
            answers.export(results)

        self.background.run(self, write, lambda _: None, self._report)

    def read(self, summary: EvaluationSummary, done: Callable[[Evaluation], None]) -> None:
        """Read an evaluation with its answers, as far as their files exist."""
        title = self.tr("This evaluation cannot be opened")
        next_step = self.tr("Its answers are in {0}.").format(summary.folder)

        def read() -> Evaluation:
            try:
                return _read(summary)
            except (TuneshiftError, ValueError, KeyError, TypeError) as error:
                raise HistoryError(title, evidence=str(error), next_step=next_step) from error

        self.background.run(self, read, done, self._report)

    def forget(self, summary: EvaluationSummary, done: Callable[[], None]) -> None:
        """Delete an evaluation, with its answers if the window stored them."""
        folders = self.folder("")

        def forget(archive: EvaluationArchive) -> None:
            archive.forget(summary.id)
            folder = Path(summary.folder).resolve()  # resolves “..”
            if folder.parent == folders.resolve():
                shutil.rmtree(folder, ignore_errors=True)

        self._change(forget, done)

    def close(self) -> None:
        """Show nothing more; what was to be saved is still saved. Returns at once."""
        self.background.close(finish=True)

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread to end; whether it has ended."""
        return self.background.join(timeout)

    def _change(
        self, change: Callable[[EvaluationArchive], None], done: Callable[[], None] = lambda: None
    ) -> None:
        """Change what is stored, and read the list again."""
        history = self._history
        if history is None:
            return

        def work() -> list[EvaluationSummary]:
            with closing(EvaluationArchive(Database(history))) as archive:
                change(archive)
                return archive.all()

        def show(listed: list[EvaluationSummary]) -> None:
            self.listed = listed
            done()
            self.changed.emit()

        self.background.run(self, work, show, self._report)


def _read(summary: EvaluationSummary) -> Evaluation:
    """Read an evaluation with its answers, as far as their files exist."""
    recipe = recipe_from_store(summary.recipe)
    stage = Stage.COMPLETE if summary.complete else Stage.STOPPED
    evaluation = Evaluation(summary.id, plan_of(summary), Path(summary.folder), recipe, stage)
    evaluation.found = results_of(summary, recipe)
    folder = ResultFolder(evaluation.folder)
    for task in evaluation.found:
        for result in task.results:
            title = result.variant.title
            records = folder.answers(task.task, title).latest()
            if records:
                evaluation.records[task.task, title] = [records[at] for at in sorted(records)]
    return evaluation
