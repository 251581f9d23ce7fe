"""Trainings in the window: preparation, start, pause, end, and those of earlier sessions."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from threading import Event as Flag
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from app.checkpoints.recipes.recipe_file import read_recipe
from app.checkpoints.spec import Recipe
from app.errors import TrainingError, TuneshiftError
from app.evaluation.store import file_name
from app.training.messages.training_events import LAST, Request
from app.training.preparing.prepared_training import Preparation, TrainingRequest
from app.training.process.stored_trainings import (
    StoredTraining,
    is_running,
    new_folder,
    stored_trainings,
)
from app.training.process.training_folder import TrainingFolder
from app.ui.state.background import Background
from app.ui.state.training.form_values import FormValues
from app.ui.state.training.training_follower import TrainingFollower
from app.ui.state.training.training_record import TrainingRecord, TrainingStage, record_of
from app.ui.translation import translate

log = logging.getLogger(__name__)


class Trains(Protocol):
    """The part of the session that trainings need."""

    @property
    def editable(self) -> bool:
        """Whether another recipe may be opened."""
        ...

    def open_recipe(self, recipe: Recipe) -> None: ...
    def report(self, error: TuneshiftError, details: str = "") -> None: ...


class Trainings(QObject):
    """Runs at most one training at a time, in a process of its own.

    It goes on while its dialog is closed. When the window is closed its process ends after its
    step, and the next start offers to let it go on.

    Args:
        session: The session.
    """

    changed = Signal()
    """``current`` was replaced, or its stage changed."""
    progressed = Signal()
    """``current`` got events."""
    prepared = Signal()
    """``preparing``, ``preparation`` or ``problem`` changed."""
    listed = Signal()
    """``stored`` changed."""
    notice_changed = Signal()
    """``notice`` changed."""

    def __init__(self, session: Trains, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._root: Path | None = None
        self._background = Background("trainings", self)
        self._follower: TrainingFollower | None = None
        self._followers: list[TrainingFollower] = []
        """The last one, and those before it whose processes are still ending."""
        self._job: int | None = None
        self._cancel = Flag()
        self._starting = self._active = False
        self._closed = False
        self.current: TrainingRecord | None = None
        self.request: TrainingRequest | None = None
        """What is prepared, or is to be."""
        self.preparation: Preparation | None = None
        self.problem: TuneshiftError | None = None
        """Why nothing could be prepared."""
        self.stored: list[StoredTraining] = []
        """The trainings on the disk, the latest first."""
        self.form = FormValues()
        """The last values of the form, which are kept while the dialog is closed."""
        self.notice: TrainingRecord | None = None
        """A training that a person should be told of: it ended, or it can go on."""

    # Start and end

    def open(self, root: Path) -> None:
        """Set the folder of the trainings, and look for one that was interrupted."""
        self._root = root
        self._background.run(self, lambda: _stored_with_offer(root), self._on_found, _ignore)

    def close(self) -> None:
        """End the process after its step. Returns at once."""
        self._closed = True
        self._cancel.set()
        for follower in self._followers:
            follower.close()
        self._background.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the threads to end; whether they have."""
        joined = [follower.join(timeout) for follower in self._followers]
        return self._background.join(timeout) and all(joined)

    # Preparation

    @property
    def preparing(self) -> bool:
        """Whether data are being read."""
        return self._job is not None

    def prepare(self, request: TrainingRequest | None) -> None:
        """Read the data and the tokenizers of a request; None forgets the last one."""
        self._cancel.set()
        if self._job is not None:
            self._background.forget(self._job)
        self.request = request
        self._job, self.preparation, self.problem = None, None, None
        if request is not None:
            self._cancel = cancel = Flag()

            def work() -> Preparation:
                from app.training.preparing.preparation import prepare_training  # imports torch

                return prepare_training(request, cancel.is_set)

            self._job = self._background.run(self, work, self._on_prepared, self._on_refused)
        self.prepared.emit()

    def _on_prepared(self, preparation: Preparation) -> None:
        self._job, self.preparation = None, preparation
        self.prepared.emit()

    def _on_refused(self, error: TuneshiftError) -> None:
        self._job, self.problem = None, error
        self.prepared.emit()

    # Actions of the user

    @property
    def running(self) -> bool:
        """Whether a training is running or about to."""
        return self._starting or self._active

    @property
    def can_start(self) -> bool:
        """Whether what was prepared can be trained."""
        prepared = self.preparation
        return prepared is not None and prepared.fits and not self.running

    def start(self) -> None:
        """Start what was prepared."""
        prepared, root = self.preparation, self._root
        if prepared is None or root is None or not self.can_start:
            return
        self._starting = True

        def work() -> TrainingFolder:
            folder = new_folder(root, file_name(prepared.plan.name))
            folder.begin(prepared.plan, prepared.split)
            return folder

        def done(folder: TrainingFolder) -> None:
            self._follow(TrainingRecord(folder, prepared.plan, steps=prepared.steps))

        self._background.run(self, work, done, self._on_not_started)
        self.changed.emit()

    def pause(self) -> None:
        """Wait after the step, holding the memory."""
        self._ask(Request.PAUSE)

    def go_on(self) -> None:
        """End a pause, or start the process of the shown training again."""
        record = self.current
        if not self._active:
            if record and record.can_go_on and not self.running:
                self._start_again(record)
            return
        if record and record.stage is TrainingStage.PAUSED:
            record.stage = TrainingStage.TRAINING
        self._ask(Request.GO_ON)

    def _start_again(self, record: TrainingRecord) -> None:
        """Start the process of a training, unless another program trains in its folder."""
        self._starting = True

        def work() -> None:
            _refuse_if_running(record.folder)
            record.folder.take_up()

        def refused(error: TuneshiftError) -> None:
            self._starting = False
            self._session.report(error)
            self.changed.emit()

        self._background.run(self, work, lambda _: self._follow(record), refused)
        self.changed.emit()

    def stop(self) -> None:
        """End the training after the step, keep the best weights, and judge them."""
        self._ask(Request.STOP)

    def cancel(self) -> None:
        """End the process after the step; :meth:`go_on` starts it again."""
        if self._active and self.current:
            self.current.folder.put_off()
            self._ask(Request.ABANDON)

    def show(self, stored: StoredTraining) -> None:
        """Show a stored training, unless another one runs."""
        if not self.running:
            self._background.run(self, lambda: record_of(stored), self._show, self._session.report)

    def forget(self, stored: StoredTraining) -> None:
        """Remove a training from the disk, with its adapter and its copy of the texts.

        A training that another program runs is not removed.
        """
        record = self.current
        shown = record is not None and record.folder == stored.folder
        if shown and self.running:
            return
        if shown:
            self.current = None
            self.changed.emit()

        def work() -> None:
            _refuse_if_running(stored.folder)
            shutil.rmtree(stored.folder.path)

        def refused(error: TuneshiftError) -> None:
            self._session.report(error)
            if shown and record is not None and self.current is None:
                self._show(record)

        self._background.run(self, work, lambda _: self.refresh(), refused)

    def use(self) -> bool:
        """Open the recipe of the shown training; whether that could be done."""
        record = self.current
        if record is None or (record.trained is None and record.verdict is None):
            return False
        if not self._session.editable:
            return False
        try:
            recipe = read_recipe(record.folder.recipe)
        except TuneshiftError as error:
            self._session.report(error)
            return False
        self._session.open_recipe(recipe)
        return True

    def dismiss_notice(self, *, put_off: bool = False) -> None:
        """Tell no more of the training in ``notice``.

        Args:
            put_off: Whether not to offer it at the next start either.
        """
        if self.notice:
            if put_off and self.notice.can_go_on:
                self.notice.folder.put_off()
            self.notice = None
            self.notice_changed.emit()

    def take_up_notice(self) -> None:
        """Show the training in ``notice``."""
        if self.notice and not self.running:
            self._show(self.notice)
        self.dismiss_notice()

    def _ask(self, request: Request) -> None:
        if self._follower and self._active and self.current:
            self._follower.ask(request)
            self.current.ask(request)
            self.changed.emit()

    # The process

    def _follow(self, record: TrainingRecord) -> None:
        self._starting = False
        if self._closed:
            return
        record.begin()
        self.current, self._active = record, True
        self._follower = TrainingFollower(record.folder, self)
        self._followers = [*(each for each in self._followers if not each.join(0)), self._follower]
        self._follower.came.connect(self._receive)
        self._follower.start()
        log.info("the process of a training begins")
        self.dismiss_notice()
        self.changed.emit()

    def _receive(self) -> None:
        record, follower = self.current, self._follower
        if record is None or follower is None:
            return
        events = follower.take()
        stage, doing = record.stage, record.doing
        for event in events:
            record.take(event)
        if events and isinstance(events[-1], LAST):
            self._end(record)
        elif (stage, doing) != (record.stage, record.doing):
            self.changed.emit()
        if events:
            self.progressed.emit()

    def _end(self, record: TrainingRecord) -> None:
        self._active = False
        log.info("the process of the training has ended: %s", record.stage)
        if record.stage is not TrainingStage.INTERRUPTED:
            self.notice = record
            self.notice_changed.emit()
        self.changed.emit()
        self.refresh()

    def _on_not_started(self, error: TuneshiftError) -> None:
        self._starting = False
        self.preparation, self.problem = None, error
        self.prepared.emit()
        self.changed.emit()

    def _show(self, record: TrainingRecord) -> None:
        if not self.running:
            self.current = record
            self.changed.emit()

    # Trainings on the disk

    def refresh(self) -> None:
        """Read the list of trainings again."""
        root = self._root
        if root is not None:
            self._background.run(self, lambda: stored_trainings(root), self._on_listed, _ignore)

    def _on_listed(self, stored: list[StoredTraining]) -> None:
        self.stored = stored
        self.listed.emit()

    def _on_found(self, found: tuple[list[StoredTraining], TrainingRecord | None]) -> None:
        stored, offered = found
        self._on_listed(stored)
        if offered and not self.running:
            self.notice = offered
            self.notice_changed.emit()


def _stored_with_offer(root: Path) -> tuple[list[StoredTraining], TrainingRecord | None]:
    """The trainings on the disk, and the latest that was interrupted without a person's wish."""
    stored = stored_trainings(root)
    for each in stored:
        if each.verdict is None and not each.folder.is_put_off and not is_running(each.folder):
            return stored, record_of(each)
    return stored, None


def _refuse_if_running(folder: TrainingFolder) -> None:
    """Raise an error if a process trains in a folder now, such as that of another window."""
    if is_running(folder):
        raise TrainingError(
            translate("Trainings", "Another program is training in this folder"),
            evidence=str(folder.path),
            next_step=translate(
                "Trainings", "Wait until that training has ended, or end it there."
            ),
        )


def _ignore(error: TuneshiftError) -> None:
    """The list of trainings is a convenience; the log has the error."""
