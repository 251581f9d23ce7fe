"""Edits of stored runs from the window: views show them at once, and the writer stores them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from PySide6.QtCore import QObject, Signal, Slot

from app.errors import HistoryError, TuneshiftError
from app.history.archive import Archive
from app.history.records import RunSummary
from app.history.run_edits import RunsEdited
from app.history.writer import HistoryWriter


@dataclass(frozen=True, slots=True, eq=False)
class _Edit:
    """An edit that is not stored yet.

    Attributes:
        run_ids: The runs.
        shown: Changes the summary of one of them in the same way.
        restored: Runs that come back from the bin.
        taken_back: Called if the edit fails.
    """

    run_ids: Sequence[str]
    shown: Callable[[RunSummary], RunSummary]
    restored: tuple[RunSummary, ...] = ()
    taken_back: Callable[[], None] = lambda: None


class HistoryEdits(QObject):
    """Passes edits to the history's writer in their order, and deletes and restores runs.

    Args:
        report: Shows the error of an edit.
    """

    edited = Signal()
    """An edit was asked for; :meth:`list_as_edited` shows it already."""
    ended = Signal()
    """An edit was stored, or failed and is taken back."""
    deleted_changed = Signal()
    """``deleted`` changed."""
    _answered = Signal(object, object)

    def __init__(self, report: Callable[[TuneshiftError], None], parent: QObject) -> None:
        super().__init__(parent)
        self._report = report
        self._writer: HistoryWriter | None = None
        self._pending: list[_Edit] = []
        self._deletions: list[tuple[RunSummary, ...]] = []
        self._answered.connect(self._on_answered)  # queued: emitted on the writer's thread

    def open(self, writer: HistoryWriter) -> None:
        """Begin to pass edits to ``writer``."""
        self._writer = writer

    def as_edited(self, run: RunSummary) -> RunSummary:
        """A run as it will be once every edit is stored."""
        for edit in self._pending:
            if run.id in edit.run_ids:
                run = edit.shown(run)
        return run

    def list_as_edited(self, runs: Sequence[RunSummary]) -> list[RunSummary]:
        """Listed runs, newest first, as they will be; with those that come from the bin."""
        listed = {run.id: run for edit in self._pending for run in edit.restored}
        restored = bool(listed)
        listed.update((run.id, run) for run in runs)
        edited = [self.as_edited(run) for run in listed.values()]
        if restored:
            edited.sort(key=lambda run: run.created, reverse=True)
        return [run for run in edited if run.deleted is None]

    # Edits

    def rename(self, run_id: str, title: str) -> None:
        """Set the title of a run."""
        edit = _Edit([run_id], lambda run: replace(run, title=title.strip()))
        self._start(edit, lambda archive, id_: archive.rename(id_, title))

    def star(self, run_ids: Sequence[str], starred: bool) -> None:
        """Star or unstar runs."""
        edit = _Edit(run_ids, lambda run: replace(run, starred=starred))
        self._start(edit, lambda archive, id_: archive.star(id_, starred))

    def set_tags(self, run_id: str, tags: Iterable[str]) -> None:
        """Replace the tags of a run."""
        kept = tuple(sorted({tag.strip() for tag in tags} - {""}))
        edit = _Edit([run_id], lambda run: replace(run, tags=kept))
        self._start(edit, lambda archive, id_: archive.set_tags(id_, kept))

    def delete(self, summaries: Sequence[RunSummary]) -> None:
        """Move runs to the bin; :meth:`undelete` restores them."""
        runs = tuple(summaries)

        def take_back() -> None:
            if runs in self._deletions:
                self._deletions.remove(runs)
                self.deleted_changed.emit()

        moment = datetime.now(UTC)
        ids = [run.id for run in runs]
        edit = _Edit(ids, lambda run: replace(run, deleted=moment), taken_back=take_back)
        if self._start(edit, lambda archive, id_: archive.delete(id_)):
            self._deletions.append(runs)
            self.deleted_changed.emit()

    @property
    def deleted(self) -> tuple[RunSummary, ...]:
        """The runs that :meth:`undelete` restores."""
        return self._deletions[-1] if self._deletions else ()

    def undelete(self) -> None:
        """Undo the last deletion that is not undone yet."""
        runs = self.deleted

        def take_back() -> None:
            self._deletions.append(runs)
            self.deleted_changed.emit()

        ids = [run.id for run in runs]
        edit = _Edit(ids, lambda run: replace(run, deleted=None), runs, take_back)
        if runs and self._start(edit, lambda archive, id_: archive.undelete(id_)):
            self._deletions.pop()
            self.deleted_changed.emit()

    def _start(self, edit: _Edit, act: Callable[[Archive, str], None]) -> bool:
        """Show an edit and queue it; whether the history is open."""
        if self._writer is None:
            self._report(
                HistoryError(
                    self.tr("The history is not open yet"),
                    next_step=self.tr("Try again in a moment."),
                )
            )
            return False
        self._pending.append(edit)
        self._writer.edit(
            RunsEdited(edit.run_ids, act, lambda error: self._answered.emit(edit, error))
        )
        self.edited.emit()
        return True

    @Slot(object, object)
    def _on_answered(self, edit: _Edit, error: HistoryError | None) -> None:
        self._pending.remove(edit)
        if error:
            edit.taken_back()
            self._report(error)
        self.ended.emit()
