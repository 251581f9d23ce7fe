"""Evaluations in the window: start, stop, resume, and opening of past ones."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QObject, QSettings, Qt, QTimer, Signal

from app.checkpoints.formats.gguf_files import source_of_path
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.engine.commands import BorrowModels
from app.engine.controls import Cancellation
from app.engine.events import BorrowFinished, BorrowProgress, Event, Failed
from app.errors import TuneshiftError
from app.evaluation.evaluation_job import EvaluationJob, HarnessFinished, ProgressReport
from app.evaluation.history_summary import summary_of
from app.evaluation.plan import Plan, Prepared
from app.history.evaluation_summaries import EvaluationSummary
from app.history.records import new_run_id
from app.server.server_events import ServedModel
from app.ui.state.engine_requests import Requests
from app.ui.state.records.evaluation import Answering, Evaluation, Stage
from app.ui.state.records.stored_evaluations import StoredEvaluations

if TYPE_CHECKING:
    from app.evaluation.evaluation_run import AnsweredQuestion

_SAVE_SECONDS = 10.0
_TICK_MS = 1000
_FORM = "evaluate/form"


class Evaluated(Protocol):
    """The part of the session that evaluations need: recipe, loaded models and errors."""

    @property
    def recipe(self) -> Recipe: ...
    @property
    def model(self) -> ServedModel | None:
        """The loaded models with the current alphas and settings; None while none are loaded."""
        ...

    @property
    def editable(self) -> bool:
        """Whether another recipe may be opened."""
        ...

    def open_recipe(self, recipe: Recipe) -> None: ...
    def prepare_run(self) -> bool:
        """Start loading the recipe unless it is loaded; False if the engine has failed."""
        ...

    def report(self, error: TuneshiftError, details: str = "") -> None: ...


class Evaluations(QObject):
    """Runs at most one evaluation at a time, on the engine's thread, with the loaded models.

    Runs of the window and of API clients are interleaved with it. Loading other models stops it;
    its answers are kept, and it can be resumed.

    Args:
        session: The session; it calls :meth:`follow_load` when the loaded models change.
        requests: Sends commands to the engine.

    Attributes:
        stored: The evaluations in the history.
    """

    changed = Signal()
    """``current`` was replaced, started, ended or failed."""
    progressed = Signal()
    """``current`` got answers, or its activity changed. At most once per frame."""
    ticked = Signal()
    """A second of a running evaluation has passed; the remaining time changed."""
    opened = Signal()
    """An evaluation of the history is shown; emitted after ``changed``."""
    _told = Signal(object)
    """The activity changed; emitted on the engine's thread."""

    def __init__(self, session: Evaluated, requests: Requests, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._requests = requests
        self.stored = StoredEvaluations(session.report, self)
        self._command: BorrowModels | None = None
        self._had_models = False
        self._saved = 0.0
        self.current: Evaluation | None = None
        self.last_question: int | None = None
        """Index of the question whose answer was last opened as a run."""
        self.form: dict[str, Any] = {}
        """The last values of the form, as plain data."""
        self._clock = QTimer(self, interval=_TICK_MS)
        self._clock.timeout.connect(self.ticked)
        self._told.connect(self._handle, Qt.ConnectionType.QueuedConnection)

    # Start and end

    def open(self, history: Path) -> None:
        """Set the file of the history; answers are kept in a folder beside it."""
        self.stored.open(history)

    def close(self) -> None:
        """End a running evaluation, save its answers so far, and nothing after them.

        Returns at once. The last event of the engine may come too late to be saved.
        """
        self.stop()
        self._end(None)
        self.stored.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until everything is saved; whether it is."""
        return self.stored.join(timeout)

    def restore(self, store: QSettings) -> None:
        """Load the saved form."""
        try:
            form = json.loads(str(store.value(_FORM, "{}")))
        except ValueError:
            return
        self.form = form if isinstance(form, dict) else {}

    def remember(self, store: QSettings) -> None:
        """Save the form for :meth:`restore`."""
        store.setValue(_FORM, json.dumps(self.form))

    # Actions of the user

    @property
    def running(self) -> bool:
        """Whether an evaluation is running."""
        return self._command is not None

    @property
    def stopping(self) -> bool:
        """Whether the running evaluation was asked to stop."""
        return self._command is not None and self._command.cancellation.requested()

    def start(self, plan: Plan) -> None:
        """Start an evaluation of the current recipe with its current alphas."""
        if self.running:
            return
        evaluation_id = new_run_id()
        evaluation = Evaluation(
            evaluation_id, plan, self.stored.folder(evaluation_id), self._session.recipe
        )
        self._begin(evaluation)

    def resume(self, *, allow_code: bool = False) -> None:
        """Resume the shown evaluation with its recipe; known answers are not generated again.

        Args:
            allow_code: Whether programs written by models may be run; asked each time.
        """
        evaluation = self.current
        if evaluation is None or self.running or not self._session.editable:
            return
        if evaluation.recipe.models != self._session.recipe.models:
            self._session.open_recipe(evaluation.recipe)
        evaluation.plan = replace(evaluation.plan, allow_code=allow_code)
        self._begin(evaluation)

    def stop(self) -> None:
        """Stop after the current token; :meth:`resume` continues."""
        if self._command:
            self._command.cancellation.request()
            self.progressed.emit()

    def show(self, summary: EvaluationSummary) -> None:
        """Read an evaluation of the history and show it, unless another one is running then."""
        if not self.running:
            self.stored.read(summary, self._show)

    def _show(self, evaluation: Evaluation) -> None:
        if not self.running:
            self.current, self.last_question = evaluation, None
            self.changed.emit()
            self.opened.emit()

    def clear(self) -> None:
        """Show no evaluation."""
        if not self.running:
            self.current = None
            self.changed.emit()

    def forget(self, summary: EvaluationSummary) -> None:
        """Delete an evaluation from the history, with its answers if the window stored them."""

        def clear() -> None:
            if self.is_current(summary):
                self.clear()

        if not (self.running and self.is_current(summary)):
            self.stored.forget(summary, clear)

    def is_current(self, summary: EvaluationSummary) -> bool:
        """Whether this evaluation is shown."""
        return self.current is not None and self.current.id == summary.id

    def _begin(self, evaluation: Evaluation) -> None:
        if not self._session.prepare_run():
            return
        self.current, self.last_question = evaluation, None
        evaluation.stage, evaluation.error, evaluation.told = Stage.WAITING, None, ""
        cancellation = Cancellation()
        job = EvaluationJob(
            evaluation.plan,
            evaluation.recipe.alphas,
            evaluation.folder,
            _alone,
            cancellation.requested,
            self._told.emit,
        )
        self._command = BorrowModels(
            self._requests.new_id(), job, cancellation, interleaved=True, load=self._requests.load
        )
        self._had_models = self._session.model is not None
        self._requests.submit(self._command, self._receive)
        self._clock.start()
        self.changed.emit()

    # Events of the engine

    def abandon(self, error: TuneshiftError) -> None:
        """End the evaluation because the engine has failed."""
        self._end(error)

    def _receive(self, events: Sequence[Event]) -> None:
        came = False
        for event in events:
            if isinstance(event, BorrowProgress):
                self._take(event.item)
                came = True
            elif isinstance(event, BorrowFinished):
                self._end(None, complete=True)
            elif isinstance(event, Failed):
                self._end(event.error)
        if came and self.running:
            if time.monotonic() - self._saved > _SAVE_SECONDS:
                self._save()
            self.progressed.emit()

    def _take(self, item: object) -> None:
        evaluation = self.current
        assert evaluation is not None
        if isinstance(item, Prepared):
            resumed = bool(evaluation.prepared or evaluation.found)
            evaluation.take(item)
            if resumed:  # keep the scores of the saved summary until they are computed again
                self._saved = time.monotonic()
            else:
                self._save()
            self.changed.emit()
        elif isinstance(item, HarnessFinished):
            evaluation.found = item.results
        else:
            self._add(evaluation, item)  # type: ignore[arg-type]

    def _add(self, evaluation: Evaluation, answered: AnsweredQuestion) -> None:
        assert evaluation.answers is not None
        evaluation.answers.add(answered.task, answered.variant, answered.record)
        place = answered.task.name, answered.variant.title
        evaluation.records.setdefault(place, []).append(answered.record)
        evaluation.done += 1
        evaluation.fresh += not answered.cached
        evaluation.told = Answering(answered.task.name, answered.variant)
        if answered.cached or evaluation.began is None:
            evaluation.began = time.monotonic()

    def _handle(self, progress: ProgressReport) -> None:
        if self.current and self.running:
            self.current.told = progress
            self.progressed.emit()

    def _end(self, error: TuneshiftError | None, *, complete: bool = False) -> None:
        if self._command is None or self.current is None:
            return
        self._requests.forget(self._command.id)
        self._command = None
        self._clock.stop()
        evaluation = self.current
        evaluation.told, evaluation.error = "", error
        ended = Stage.COMPLETE if complete else Stage.STOPPED
        evaluation.stage = Stage.FAILED if error else ended
        if evaluation.answers is not None:
            self._write(evaluation)
        self.changed.emit()

    def _write(self, evaluation: Evaluation) -> None:
        """Write the results and the files for scorers into the folder, and save the summary."""
        assert evaluation.answers is not None
        self.stored.export(
            evaluation.folder,
            evaluation.answers,
            evaluation.recipe.name,
            evaluation.results(),
            complete=evaluation.stage is Stage.COMPLETE,
        )
        self._save()

    def _save(self) -> None:
        """Save the summary in the history."""
        self._saved = time.monotonic()
        evaluation = self.current
        if evaluation is not None:
            self.stored.save(
                partial(
                    summary_of,
                    evaluation.id,
                    evaluation.plan,
                    evaluation.recipe,
                    evaluation.folder,
                    evaluation.results(),
                    evaluation.stage is Stage.COMPLETE,
                )
            )

    def follow_load(self) -> None:
        """Stop the evaluation when other models are about to be loaded."""
        if self._session.model is not None:
            self._had_models = True
        elif self._had_models:
            self.stop()


def _alone(source: str) -> Recipe:
    """A recipe of one checkpoint, from the source that the user typed."""
    path = Path(source).expanduser()
    if ":" not in source or path.exists():
        source = source_of_path(str(path))
    spec = CheckpointSpec(source)
    return Recipe(path.name, spec, (ExpertPair("itself", spec, spec),))
