"""The history of runs as the window has it: the one place where it is read and edited."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from app.attribution.candidates import CandidateRows
from app.attribution.row_store import RowStore
from app.checkpoints.spec import Recipe
from app.checkpoints.status import RoleInForce
from app.decoding.types import FinishReason
from app.engine.controls import LiveAlphas
from app.engine.events import RunStats
from app.errors import HistoryError, TuneshiftError
from app.history.archive import Archive, Query
from app.history.database import Database
from app.history.export.document import Document, read_document
from app.history.records import RunKind, RunSummary, StoredRun
from app.history.repeat import Repeatable, repeatable
from app.history.writer import HistoryWriter
from app.ui.state.background import Background
from app.ui.state.records.recorder import Recorder
from app.ui.state.texts.runs import Runs
from app.ui.state.texts.text_run import Run

_PATIENCE_SECONDS = 2.0


class Window(Protocol):
    """What the history needs of the window: its texts, its recipe and what went wrong."""

    @property
    def runs(self) -> Runs: ...
    @property
    def roles_in_force(self) -> tuple[RoleInForce, ...]:
        """What is loaded."""
        ...

    @property
    def last_error(self) -> str:
        """What went wrong last, in a sentence."""
        ...

    @property
    def editable(self) -> bool:
        """Whether another recipe may be opened."""
        ...

    def open_recipe(self, recipe: Recipe) -> None: ...
    def report(self, error: TuneshiftError, details: str = "") -> None: ...


class History(QObject):
    """Finds, opens, repeats and edits runs. Nothing is there until :meth:`open` was called.

    What cannot be done is reported in the window.

    Args:
        window: The session.
    """

    changed = Signal()
    """Runs came, ended or were edited."""
    deleted_changed = Signal()
    """``deleted`` changed."""
    shown = Signal(str)
    """A person opened a run; its prompt."""
    _told = Signal(object)
    _written = Signal()

    def __init__(self, window: Window, parent: QObject) -> None:
        super().__init__(parent)
        self._window = window
        self._path: Path | None = None
        self._writer: HistoryWriter | None = None
        self._recorder: Recorder | None = None
        self._archives: list[Archive] = []
        self._opened: Database | None = None
        self._deletions: list[tuple[RunSummary, ...]] = []
        self.background = Background("export", self)
        """Writes what is exported."""
        self._told.connect(window.report)
        self._written.connect(self.changed)

    # From beginning to end

    def open(self, path: Path) -> None:
        """Begin to record into ``path``; its trouble is reported, and recording goes on."""
        self._path = path
        self._writer = HistoryWriter(path, self._told.emit, self._written.emit)
        self._writer.start()
        window = self._window
        self._recorder = Recorder(
            window.runs,
            self._writer,
            lambda: window.roles_in_force,
            lambda: window.last_error,
            self,
        )
        self._window.runs.renamed.connect(self._on_renamed)
        self.changed.emit()

    def close(self) -> None:
        """Take nothing more; what came is still written. Returns at once."""
        self._let_go()
        self.background.close()
        if self._recorder:
            self._recorder.end_all()
        if self._writer:
            self._writer.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the writer and an export to end; whether they have."""
        return self.background.join(timeout) and (
            self._writer is None or self._writer.join(timeout)
        )

    # Finding

    def find(self, query: Query) -> list[RunSummary]:
        """The runs that fit, the newest first; where they are in two places, memory comes first."""
        found: dict[str, RunSummary] = {}
        try:
            for archive in self._reading():
                for summary in archive.find(query):
                    found.setdefault(summary.id, summary)
        except HistoryError as error:
            self._window.report(error)
        return list(found.values())

    def tags(self) -> list[str]:
        """Every tag that a run has."""
        try:
            return sorted({tag for archive in self._reading() for tag in archive.tags()})
        except HistoryError:
            return []

    def id_of(self, run: Run) -> str:
        """The id of a text of the window; empty where it is not recorded."""
        return self._recorder.id_of(run) if self._recorder else ""

    def summary(self, run_id: str) -> RunSummary:
        """A run as lists show it.

        Raises:
            HistoryError: When it cannot be read.
        """
        return self._archive_of(run_id).get(run_id).summary

    def document(self, run_id: str) -> Document:
        """A run to export, as it is now.

        Raises:
            HistoryError: When it cannot be read.
        """
        if self._writer:
            self._writer.flush(_PATIENCE_SECONDS)
        return read_document(self._archive_of(run_id), run_id)

    # Opening and repeating

    def show(self, run_id: str) -> None:
        """Show a run in the window: the text that is there already, or one read from the file."""
        if self._recorder is None:
            return
        run = self._recorder.run_of(run_id)
        if run:
            self._window.runs.show(run)
            self.shown.emit(run.prompt)
            return
        removed = [run for run in self._window.runs.removed if self.id_of(run) == run_id]
        if removed:  # or there would be two texts that write one run
            self._window.runs.restore(removed[0])
            self.shown.emit(removed[0].prompt)
            return
        try:
            archive = self._archive_of(run_id)
            run = self._read(archive, archive.get(run_id))
        except HistoryError as error:
            self._window.report(error)
            return
        self._recorder.know(run, run_id)
        self._window.runs.add(run)
        self.shown.emit(run.prompt)

    def open_recipe(self, run_id: str) -> None:
        """Open the recipe of a run, with its weights and settings."""
        wanted = self._repeatable(run_id)
        if wanted and self._window.editable:
            self._window.open_recipe(wanted.recipe)

    def repeat(self, run_id: str) -> None:
        """Run a run again, with the weights that each token had; loads its recipe where needed."""
        wanted = self._repeatable(run_id)
        if wanted and self._window.editable:
            self._window.open_recipe(wanted.recipe)
            self._window.runs.repeat(wanted)

    def _repeatable(self, run_id: str) -> Repeatable | None:
        try:
            archive = self._archive_of(run_id)
            stored, tokens = archive.get(run_id), archive.tokens(run_id)
        except HistoryError as error:
            self._window.report(error)
            return None
        return repeatable(stored, tokens, self._window.roles_in_force)

    def _read(self, archive: Archive, stored: StoredRun) -> Run:
        tokens = archive.tokens(stored.id)
        summary, runs = stored.summary, self._window.runs
        parent = self._recorder.run_of(summary.parent) if self._recorder else None
        reason = summary.finish_reason
        run = Run(
            runs.new_id(),
            stored.prompt,
            stored.recipe,
            LiveAlphas(tokens[-1].alphas if tokens else ()),
            RowStore(runs.budget),
            stored.labels,
            stored.role,
            parent,
            fork=summary.fork_index if parent else 0,
            drawn_from=stored.drawn_from,
            name=summary.title,
            scored=summary.kind is RunKind.SCORED,
            tokens=list(tokens),
            prompt_tokens=stored.prompt_tokens,
            finish_reason=FinishReason(reason) if reason else FinishReason.CANCELLED,
            stats=_stats(stored, len(tokens)),
        )
        for token in tokens:
            run.rows.add_candidates(token.index, partial(self._candidates, stored.id, token.index))
        return run

    def _candidates(self, run_id: str, index: int) -> CandidateRows:
        rows = self._archive_of(run_id).candidates(run_id, index)
        if rows is None:
            raise HistoryError(self.tr("The candidates of a token are not in the history any more"))
        return rows

    # Editing

    def rename(self, run_id: str, title: str) -> None:
        """Give a run a title; the text of the window that it is gets it too."""
        if self._edit([run_id], lambda archive, id_: archive.rename(id_, title)):
            run = self._recorder.run_of(run_id) if self._recorder else None
            if run and run.name != title:
                self._window.runs.rename(run, title)

    def star(self, run_ids: Sequence[str], starred: bool) -> None:
        """Give runs a star, or take it."""
        self._edit(run_ids, lambda archive, id_: archive.star(id_, starred))

    def set_tags(self, run_id: str, tags: Iterable[str]) -> None:
        """Give a run these tags and no others."""
        kept = list(tags)
        self._edit([run_id], lambda archive, id_: archive.set_tags(id_, kept))

    def delete(self, summaries: Sequence[RunSummary]) -> None:
        """Put runs into the bin; :meth:`undelete` takes them out."""
        if self._edit([run.id for run in summaries], lambda archive, id_: archive.delete(id_)):
            self._deletions.append(tuple(summaries))
            self.deleted_changed.emit()

    @property
    def deleted(self) -> tuple[RunSummary, ...]:
        """What was deleted last and can be had back."""
        return self._deletions[-1] if self._deletions else ()

    def undelete(self) -> None:
        """Have back what was deleted last; called again, what was deleted before that."""
        ids = [run.id for run in self.deleted]
        if ids and self._edit(ids, lambda archive, id_: archive.undelete(id_)):
            self._deletions.pop()
            self.deleted_changed.emit()

    def _edit(self, run_ids: Sequence[str], act: Callable[[Archive, str], None]) -> bool:
        try:
            for run_id in run_ids:
                act(self._archive_of(run_id), run_id)
        except HistoryError as error:
            self._window.report(error)
            return False
        finally:
            self.changed.emit()
        return True

    def _on_renamed(self, run: Run) -> None:
        run_id = self.id_of(run)
        if run_id and self._writer:
            self._writer.flush(_PATIENCE_SECONDS)
            self._edit([run_id], lambda archive, id_: archive.rename(id_, run.name))

    # Where runs are

    def _archive_of(self, run_id: str) -> Archive:
        archives = self._reading()
        for archive in archives[:-1]:
            if archive.holds(run_id):
                return archive
        if not archives:
            raise HistoryError(
                self.tr("The history is not open yet"), next_step=self.tr("Try again in a moment.")
            )
        return archives[-1]

    def _reading(self) -> list[Archive]:
        """Where runs are: the database in use, and the file where that is in memory."""
        database = self._writer.database if self._writer else None
        if database is not self._opened:
            self._let_go()
            self._opened = database
            if database:
                self._archives.append(Archive(database))
            if database and database.in_memory and self._path and self._path.exists():
                self._archives += itertools.islice(_readable(self._path), 1)
        return self._archives

    def _let_go(self) -> None:
        for archive in self._archives:
            archive.close()
        self._archives, self._opened = [], None


def _readable(path: Path) -> Iterable[Archive]:
    try:
        yield Archive(Database(path))
    except HistoryError:
        return


def _stats(stored: StoredRun, tokens: int) -> RunStats | None:
    figures = stored.figures
    if figures is None:
        return None
    return RunStats(
        tokens, figures.prefill_seconds, figures.tokens_per_second, figures.resident_bytes
    )
