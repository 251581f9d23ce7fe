"""The writer of the history: a thread that stores runs without blocking its callers."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from threading import Event, Thread

from app.attribution.attribution import TokenAttribution
from app.attribution.candidates import CandidateRows
from app.attribution.explained_token import ExplainedToken
from app.attribution.step_attribution import candidates_of
from app.decoding.types import TokenStep
from app.errors import HistoryError, kind_and_places
from app.history.archive import Archive
from app.history.database import (
    STORAGE_ERRORS,
    Database,
    history_error,
    open_history,
    replacement_database,
)
from app.history.database_writer import DatabaseWriter
from app.history.records import Ending, NewRun, RunModels
from app.history.run_edits import RunsEdited, carry_out
from app.history.unreduced_rows import MOST_BYTES, find_candidates
from app.history.write_queue import (
    Flush,
    Item,
    RunBookmarked,
    RunDescribed,
    RunEnded,
    RunRenamed,
    TokenAdded,
    WriteQueue,
)

log = logging.getLogger(__name__)

BATCH_SECONDS = 0.2
"""How long tokens wait to be written as a batch, in seconds."""

_QUIET_SECONDS = 1.0
"""Without a token for so long, an active run waits for something other than Python's lock."""

_MAX_BUSY = 3


class HistoryWriter:
    """Stores runs while they are generated: the prompt immediately, tokens in batches.

    The candidates of tokens are found and stored when no run is active, or when many rows wait.

    If the file cannot be used, runs are stored in memory instead, and ``on_problem`` is called.

    Args:
        path: The history file.
        on_problem: Called on the writer's thread with an error to show to the user.
        on_change: Called on the writer's thread when a run was started, ended or renamed in the
            database.
        most_unreduced_bytes: Bytes of rows above which candidates are found although a run is
            active.
    """

    def __init__(
        self,
        path: Path,
        on_problem: Callable[[HistoryError], None] = lambda error: None,
        on_change: Callable[[], None] = lambda: None,
        most_unreduced_bytes: int = MOST_BYTES,
    ) -> None:
        self._path = path
        self._on_problem = on_problem
        self._on_change = on_change
        self._most_unreduced_bytes = most_unreduced_bytes
        self._queue = WriteQueue()
        self._database_writer: DatabaseWriter | None = None
        self._active: set[str] = set()
        self._thread = Thread(target=self._run, name="history")

    # Called on any thread

    def start(self) -> None:
        self._thread.start()

    def begin(self, run: NewRun) -> None:
        """Record the start of a run."""
        self._queue.put(run)

    def describe(self, run_id: str, models: RunModels) -> None:
        """Record the loaded models and the prompt lengths of a run."""
        self._queue.put(RunDescribed(run_id, models))

    def add(
        self,
        run_id: str,
        step: TokenStep,
        attribution: TokenAttribution,
        on_candidates: Callable[[CandidateRows], None] | None = None,
    ) -> None:
        """Record a token. It replaces a stored token of the same index and all tokens after it.

        Args:
            run_id: The run.
            step: The token with its rows, or with statistics of them.
            attribution: The attribution of the token to the pairs.
            on_candidates: Called with the stored candidates, on the writer's thread.
        """
        token = ExplainedToken.of(step, attribution)
        rows = step.kept_logits if step.reduced is None else candidates_of(step)
        self._queue.put(TokenAdded(run_id, token, rows, on_candidates))

    def finish(self, run_id: str, ending: Ending) -> None:
        """Record the end of a run. The run may be continued afterwards."""
        self._queue.put(RunEnded(run_id, ending))

    def rename(self, run_id: str, title: str) -> None:
        """Record another title of a run."""
        self._queue.put(RunRenamed(run_id, title))

    def bookmark(self, run_id: str, bookmarks: frozenset[int]) -> None:
        """Record the indices of all tokens of a run that have a bookmark."""
        self._queue.put(RunBookmarked(run_id, bookmarks))

    def edit(self, edit: RunsEdited) -> None:
        """Edit stored runs, after everything recorded so far."""
        self._queue.put(edit)

    def flush(self, timeout: float) -> bool:
        """Wait until everything recorded so far is written; returns whether it is."""
        flush = Flush(Event())
        return self._queue.put(flush) and flush.done.wait(timeout) and flush.written

    def close(self) -> None:
        """Reject new items; queued items are still written. Returns immediately."""
        self._queue.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread; returns whether it has ended."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def database(self) -> Database | None:
        """The database in use; None before the thread has opened it."""
        database_writer = self._database_writer
        return database_writer.database if database_writer else None

    # Called on the writer's thread

    def _run(self) -> None:
        database_writer = self._database_writer = DatabaseWriter(
            open_history(self._path, self._on_problem), self._path
        )
        if not database_writer.database.in_memory:
            self._empty_bin(database_writer.database)
        self._on_change()
        self._index(database_writer)
        while True:
            patience = _QUIET_SECONDS if database_writer.unreduced else None
            items = self._queue.take(BATCH_SECONDS, patience)
            if not (items or database_writer.unreduced):
                break
            written = False
            try:
                database_writer = self._store(database_writer, items)
                if self._should_reduce(database_writer, items) and database_writer.unreduced:
                    found = find_candidates(database_writer.unreduced)
                    database_writer = self._write(database_writer, found)
                written = True
            except (
                Exception
            ) as error:  # an unexpected error must not stop the recording of later runs
                log.error("a part of a run could not be stored\n%s", kind_and_places(error))
                self._on_problem(
                    HistoryError("A part of a run was not stored", evidence=repr(error))
                )
                database_writer.give_up()
            for item in items:
                if isinstance(item, Flush):
                    item.written = written
                    item.done.set()
                elif isinstance(item, RunsEdited):  # nothing happens if it has ended
                    item.end(HistoryError("The history was not changed"))
            if any(isinstance(item, NewRun | RunEnded | RunRenamed) for item in items):
                self._on_change()
                self._index(database_writer)
            elif any(isinstance(item, RunsEdited) for item in items):
                self._index(database_writer)
        database_writer.close()

    def _index(self, database_writer: DatabaseWriter) -> None:
        """Bring changed runs into the search index until there is something to write."""
        try:
            while self._queue.idle and database_writer.index_some():
                pass
        except STORAGE_ERRORS as error:  # a search reads these runs one by one
            log.warning("runs could not be indexed: %s", error)

    def _empty_bin(self, database: Database) -> None:
        """Erase runs that have been in the bin for longer than the retention time."""
        try:
            archive = Archive(database)
            try:
                archive.purge()
            finally:
                archive.close()
        except HistoryError as error:
            log.warning("the bin could not be emptied: %s", error)

    def _should_reduce(self, database_writer: DatabaseWriter, items: Sequence[Item]) -> bool:
        """Whether to find candidates now, after ``items`` were written."""
        for item in items:
            if isinstance(item, NewRun):
                self._active.add(item.id)
            elif isinstance(item, RunEnded):
                self._active.discard(item.run_id)
        quiet = not (items and self._active) or self._queue.closed
        asked = any(isinstance(item, Flush) for item in items)
        many = database_writer.unreduced.nbytes >= self._most_unreduced_bytes
        return quiet or asked or many

    def _store(self, database_writer: DatabaseWriter, items: Sequence[Item]) -> DatabaseWriter:
        """Write ``items`` and carry out edits, in their order; returns the writer in use."""
        for edits, part in groupby(items, lambda item: isinstance(item, RunsEdited)):
            if not edits:
                database_writer = self._write(database_writer, list(part))
                continue
            for item in part:
                assert isinstance(item, RunsEdited)
                carry_out(item, database_writer.database, self._path)
        return database_writer

    def _write(self, database_writer: DatabaseWriter, items: Sequence[Item]) -> DatabaseWriter:
        """Write ``items``, replacing the database after an error; returns the writer in use."""
        busy = 0
        while True:
            try:
                database_writer.write(items)
                return database_writer
            except STORAGE_ERRORS as error:
                database_writer.reset()
                if database_writer.database.in_memory:
                    raise
                if _is_busy(error) and busy < _MAX_BUSY:
                    busy += 1  # another process is writing; SQLite has already waited
                    continue
                database_writer.close()
                trouble = history_error(error, self._path)
                database_writer = DatabaseWriter(
                    replacement_database(self._path, trouble, self._on_problem),
                    self._path,
                    database_writer,
                )
                self._database_writer = database_writer


def _is_busy(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
