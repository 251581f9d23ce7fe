"""The models on this disk, found on a background thread when somebody asks for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event as Flag

from PySide6.QtCore import QObject, QTimer, Signal

from app.checkpoints.candidates.local_model import LocalModel, ModelReader
from app.checkpoints.candidates.model_finder import SearchProgress, find_local_models
from app.checkpoints.candidates.used_folders import (
    remember_folders,
    remember_folders_of,
    used_folders,
)
from app.checkpoints.spec import Recipe
from app.errors import TuneshiftError
from app.ui.state.background import Background

_POLL_MS = 100


class LocalModels(QObject):
    """Search for models in the folders that a person uses, in the Hub cache and the shipped ones.

    Args:
        model_folder: Gives the model folder of the preferences, or an empty string.
    """

    changed = Signal()
    """The search started, progressed or ended."""

    def __init__(self, model_folder: Callable[[], str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.models: tuple[LocalModel, ...] = ()
        self.searched = False
        self.progress: SearchProgress | None = None
        self.problem: TuneshiftError | None = None
        self.empty: tuple[Path, ...] = ()
        self._also: tuple[Path, ...] = ()
        self._model_folder = model_folder
        self._reader = ModelReader()
        self._background = Background("search for models", self)
        self._reports: deque[SearchProgress] = deque(maxlen=1)
        self._cancel = Flag()
        self._job: int | None = None
        self._poll = QTimer(self, interval=_POLL_MS)
        self._poll.timeout.connect(self._take_progress)

    @property
    def searching(self) -> bool:
        """Whether a search is in progress."""
        return self._job is not None

    def search(self, also: Iterable[Path] = ()) -> None:
        """Search again; the models of the last search stay until this one has ended.

        Args:
            also: Folders to search besides the known ones. Those with models are remembered, the
                others are in ``empty`` afterwards.
        """
        self._abandon()
        self._also = tuple(also)
        named = self._model_folder()
        known = [*([Path(named).expanduser()] if named else []), *used_folders()]
        folders = [*self._also, *known]
        cancel, reports, reader = Flag(), self._reports, self._reader
        self._cancel = cancel

        def work() -> tuple[LocalModel, ...]:
            return find_local_models(folders, reader, reports.append, cancel.is_set)

        self._job = self._background.run(self, work, self._on_found, self._on_failed)
        self._poll.start()
        self.changed.emit()

    def cancel(self) -> None:
        """End the search early; the models that were read until then are kept."""
        self._cancel.set()

    def remember(self, recipe: Recipe) -> None:
        """Remember where the models of a loaded recipe are."""
        remember_folders_of(recipe)

    def close(self) -> None:
        """Cancel the search; the thread ends soon after."""
        self._abandon()
        self._background.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread to end; whether it has ended."""
        return self._background.join(timeout)

    def _abandon(self) -> None:
        self._cancel.set()
        self._poll.stop()
        if self._job is not None:
            self._background.forget(self._job)
            self._job = None

    def _on_found(self, models: tuple[LocalModel, ...]) -> None:
        self.models = models
        self.searched = True
        parents = {parent for model in models for parent in model.folder.resolve().parents}
        parents.update(model.folder.resolve() for model in models)
        without = tuple(folder for folder in self._also if folder.resolve() not in parents)
        self.empty = () if self._cancel.is_set() else without
        remember_folders([folder for folder in self._also if folder not in without])
        self._end(None)

    def _on_failed(self, error: TuneshiftError) -> None:
        self._end(error)

    def _end(self, problem: TuneshiftError | None) -> None:
        self._job, self.problem, self.progress = None, problem, None
        self._poll.stop()
        self._reports.clear()
        self.changed.emit()

    def _take_progress(self) -> None:
        if self._reports and self._reports[-1] != self.progress:
            self.progress = self._reports[-1]
            self.changed.emit()
