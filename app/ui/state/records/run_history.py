"""History of runs in the window: search, opening, repeating and editing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from app.attribution.candidates import CandidateRows
from app.attribution.explained_token import ExplainedToken
from app.attribution.row_store import RowStore
from app.checkpoints.spec import Recipe
from app.checkpoints.status import RoleInForce
from app.decoding.types import FinishReason
from app.engine.controls import LiveAlphas
from app.engine.events import RunStats
from app.errors import HistoryError, TuneshiftError
from app.history.archive import Archive
from app.history.database import Database
from app.history.records import RunKind, RunSummary, StoredRun
from app.history.repeat import Repeatable, repeatable
from app.history.run_edits import archive_with, readable_archives
from app.history.writer import HistoryWriter
from app.ui.state.background import Background
from app.ui.state.records.exports import Exports
from app.ui.state.records.history_edits import HistoryEdits
from app.ui.state.records.history_reader import HistoryReader, ReadRuns
from app.ui.state.records.history_search import HistorySearch
from app.ui.state.records.recorder import Recorder
from app.ui.state.runs.run import NO_CHAT, ChatPlace, Run
from app.ui.state.runs.runs import Runs


class Window(Protocol):
    """The part of the session that the history needs: runs, recipe, roles and errors."""

    @property
    def runs(self) -> Runs: ...
    @property
    def recipe(self) -> Recipe: ...
    @property
    def roles_in_force(self) -> tuple[RoleInForce, ...]:
        """The loaded roles."""
        ...

    @property
    def last_error(self) -> str:
        """The last error as text."""
        ...

    @property
    def editable(self) -> bool:
        """Whether another recipe may be opened."""
        ...

    def open_recipe(self, recipe: Recipe) -> None: ...
    def report(self, error: TuneshiftError, details: str = "") -> None: ...


class History(QObject):
    """Records, finds, opens, repeats and edits runs; empty until :meth:`open` is called.

    Errors are reported in the window.

    Args:
        window: The session.
    """

    changed = Signal()
    """Runs were added, ended or edited."""
    shown = Signal(object)
    """A run was opened from the history."""
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
        self.background = Background("export", self)
        """Thread of exports."""
        self.exports = Exports(self.background, self)
        """The exports that have not ended."""
        self.reading = Background("history reading", self)
        """Thread that reads the runs to open."""
        self.reader = HistoryReader()
        """Reads the history on any thread."""
        self.search = HistorySearch(window.report, self)
        """Finds runs in the background."""
        self.edits = HistoryEdits(window.report, self)
        """Stars, tags, deletes and restores runs."""
        self.edits.ended.connect(self.changed)
        self._told.connect(window.report)
        self._written.connect(self.changed)

    # Start and end

    def open(self, path: Path) -> None:
        """Start recording into the file ``path``; errors are reported without ending recording."""
        self._path = path
        self._writer = HistoryWriter(path, self._told.emit, self._written.emit)
        self._writer.start()
        self.edits.open(self._writer)
        self.reader = HistoryReader(self._writer, path)
        window = self._window
        self._recorder = Recorder(
            window.runs,
            self._writer,
            lambda: window.roles_in_force,
            lambda: window.last_error,
            self,
        )
        self._window.runs.renamed.connect(self._on_renamed)
        self._window.runs.selection.bookmarks.changed.connect(self._on_bookmarks)
        self.changed.emit()

    def close(self) -> None:
        """Stop recording, and cancel exports; pending data is still written. Returns at once."""
        self._close_archives()
        self.exports.cancel()
        self.background.close()
        self.reading.close()
        self.search.close()
        if self._recorder:
            self._recorder.end_all()
        if self._writer:
            self._writer.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the writer, exports, readings and searches to end; whether they have ended."""
        return (
            self.background.join(timeout)
            and self.reading.join(timeout)
            and self.search.join(timeout)
            and (self._writer is None or self._writer.join(timeout))
        )

    # Identity

    def id_of(self, run: Run) -> str:
        """The id of a run of the window; empty if it is not recorded."""
        return self._recorder.id_of(run) if self._recorder else ""

    def summary(self, run_id: str) -> RunSummary:
        """Summary of a run with its edits, for lists.

        Raises:
            HistoryError: If it cannot be read.
        """
        return self.edits.as_edited(self._archive_of(run_id).get(run_id).summary)

    # Opening and repeating

    def show(self, run_id: str) -> None:
        """Show a run in the window, an answer with the turns before it.

        A run that the window does not have is read from the file first, in the background.
        """
        self._bring(run_id, self._show, self._window.report)

    def open_recipe(self, run_id: str) -> None:
        """Open the recipe of a run, with its alphas and settings, once it is read."""
        self._read(run_id, self._open_recipe, self._window.report)

    def repeat(self, run_id: str) -> None:
        """Run a run again with the alphas of each token; opens its recipe once it is read."""
        self._read(run_id, self._repeat, self._window.report)

    def bring_back(self, run_id: str, done: Callable[[Run | None], None]) -> None:
        """Bring a run of an earlier session into the list of runs, without showing it.

        Args:
            run_id: The run.
            done: Called with it; with None if it is deleted or cannot be read.
        """
        self._bring(run_id, done, lambda _: done(None), deleted_too=False)

    @property
    def is_open(self) -> bool:
        """Whether runs can be read; ``changed`` announces it after :meth:`open`."""
        return self._writer is not None and self._writer.database is not None

    def _show(self, run: Run | None) -> None:
        if run:
            self._window.runs.show(run)
            self.shown.emit(run)

    def _open_recipe(self, read: ReadRuns) -> None:
        if self._window.editable:
            self._window.open_recipe(self._repeatable(read).recipe)

    def _repeat(self, read: ReadRuns) -> None:
        if self._window.editable:
            wanted = self._repeatable(read)
            new_seeds = self._window.recipe.new_seeds  # of the runs after the repetition
            self._window.open_recipe(replace(wanted.recipe, new_seeds=new_seeds))
            self._window.runs.repeat(wanted, self._place_of(read))

    def _repeatable(self, read: ReadRuns) -> Repeatable:
        return repeatable(*read.last, self._window.roles_in_force)

    def _read(
        self,
        run_id: str,
        done: Callable[[ReadRuns], None],
        failed: Callable[[TuneshiftError], None],
    ) -> None:
        """Read a run, and the earlier answers that the window does not have."""
        reader, runs = self.reader, self._window.runs
        known = {self.id_of(run) for run in (*runs.all, *runs.removed)}
        self.reading.run(self, lambda: reader.read(run_id, known), done, failed)

    def _bring(
        self,
        run_id: str,
        done: Callable[[Run | None], None],
        failed: Callable[[TuneshiftError], None],
        *,
        deleted_too: bool = True,
    ) -> None:
        """Call ``done`` with a run of the window, which is read if the window does not have it.

        A run that was read is in the list of runs, but not shown.
        """

        def take(read: ReadRuns) -> None:
            summary = self.edits.as_edited(read.last[0].summary)
            gone = summary.deleted is not None and not deleted_too
            done(None if gone else self._add(run_id, read, self._place_of(read)))

        run = self._held(run_id) if deleted_too else None
        if run:
            done(run)
        else:
            self._read(run_id, take, failed)

    def _held(self, run_id: str) -> Run | None:
        """A run that the window has, or can restore."""
        run = self._recorder.run_of(run_id) if self._recorder else None
        removed = [run for run in self._window.runs.removed if self.id_of(run) == run_id]
        if run is None and removed:  # reading it again would make two runs with the same id
            run = removed[0]
            self._window.runs.restore(run)
        return run

    def _place_of(self, read: ReadRuns) -> ChatPlace:
        """The place of a run in its conversation, whose earlier turns are added."""
        for error in read.errors:
            self._window.report(error)
        stored = read.last[0]
        if stored.conversation is None or stored.role is not None:
            return NO_CHAT
        place = ChatPlace(None, self._window.runs.new_id())
        for before in read.ids[:-1]:
            follows = self._add(before, read, place)
            place = ChatPlace(follows, follows.chat if follows else self._window.runs.new_id())
        return place

    def _add(self, run_id: str, read: ReadRuns, place: ChatPlace) -> Run | None:
        """A run of the window, added to the list of runs if it was read."""
        run = self._held(run_id)
        if run is None and self._recorder and run_id in read.runs:
            run = self._made(*read.runs[run_id], place)
            self._recorder.register(run, run_id)
            self._window.runs.add(run, shown=False)
        return run

    def _made(self, stored: StoredRun, tokens: Sequence[ExplainedToken], place: ChatPlace) -> Run:
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
            follows=place.follows,
            chat=parent.chat if parent else place.chat,
            sampled_from=stored.drawn_from,
            name=summary.title,
            scored=summary.kind is RunKind.SCORED,
            tokens=list(tokens),
            prompt_tokens=stored.prompt_tokens,
            bookmarks={index for index in stored.bookmarks if index < len(tokens)},
            finish_reason=FinishReason(reason) if reason else FinishReason.CANCELLED,
            stats=_stats(stored, len(tokens)),
            created=summary.created,
        )
        for token in tokens:
            run.rows.add_candidates(token.index, partial(self._candidates, stored.id, token.index))
        return run

    def _candidates(self, run_id: str, index: int) -> CandidateRows:
        rows = self._archive_of(run_id).candidates(run_id, index)
        if rows is None:
            raise HistoryError(
                self.tr("The history has no candidates of this token"),
                next_step=self.tr(
                    "The program was ended before they were written; Run again finds them."
                ),
            )
        return rows

    # Editing

    def rename(self, run_id: str, title: str) -> None:
        """Rename a run, in the history and in the window."""
        self.edits.rename(run_id, title)
        run = self._recorder.run_of(run_id) if self._recorder else None
        if run and run.name != title:
            self._window.runs.rename(run, title)

    def _on_renamed(self, run: Run) -> None:
        run_id = self.id_of(run)
        if run_id and self._writer:
            self._writer.rename(run_id, run.name)

    def _on_bookmarks(self) -> None:
        run = self._window.runs.current
        run_id = self.id_of(run) if run else ""
        if run and run_id and self._writer:
            self._writer.bookmark(run_id, frozenset(run.bookmarks))

    # Databases

    def _archive_of(self, run_id: str) -> Archive:
        archives = self._readable()
        if not archives:
            raise HistoryError(
                self.tr("The history is not open yet"), next_step=self.tr("Try again in a moment.")
            )
        return archive_with(run_id, archives)

    def _readable(self) -> list[Archive]:
        """The database in use; if it is in memory, also the file."""
        database = self._writer.database if self._writer else None
        if database is not self._opened:
            self._close_archives()
            self._opened = database
            self._archives = readable_archives(database, self._path) if database else []
        return self._archives

    def _close_archives(self) -> None:
        for archive in self._archives:
            archive.close()
        self._archives, self._opened = [], None


def _stats(stored: StoredRun, tokens: int) -> RunStats | None:
    figures = stored.figures
    if figures is None:
        return None
    return RunStats(
        tokens, figures.prefill_seconds, figures.tokens_per_second, figures.resident_bytes
    )
