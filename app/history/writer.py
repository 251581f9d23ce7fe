"""The one thread that writes the history, fed by calls that never wait."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from app.attribution.attribution import TokenAttribution
from app.attribution.candidates import CandidateRows
from app.attribution.explained_token import ExplainedToken
from app.decoding.types import TokenStep
from app.errors import HistoryError
from app.history.archive import Archive
from app.history.database import TROUBLE, Database, explained, open_history, replaced
from app.history.database_writer import Ledger, packed
from app.history.records import Ending, InForce, NewRun
from app.history.write_queue import Added, Described, Finished, Flush, Inbox, Item

log = logging.getLogger(__name__)

BATCH_SECONDS = 0.2
"""Tokens wait so long for others; with the time to write them it stays well under half a second."""

_MOST_BUSY = 3


class HistoryWriter:
    """Writes runs as they happen: the prompt at once, tokens in small batches.

    Where the file cannot be used, or can no longer be, it goes on in memory and says so.

    Args:
        path: The file of the history.
        tell: Called, on the writer's thread, with what the person has to know.
        on_change: Called, on the writer's thread, when a run has begun or ended in the history.
    """

    def __init__(
        self,
        path: Path,
        tell: Callable[[HistoryError], None] = lambda error: None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._path = path
        self._tell = tell
        self._on_change = on_change
        self._inbox = Inbox()
        self._ledger: Ledger | None = None
        self._thread = Thread(target=self._run, name="history")

    # From any thread

    def start(self) -> None:
        self._thread.start()

    def begin(self, run: NewRun) -> None:
        """A run begins; its prompt is written at once."""
        self._inbox.put(run)

    def describe(self, run_id: str, in_force: InForce) -> None:
        """The models are loaded and the prompt is encoded."""
        self._inbox.put(Described(run_id, in_force))

    def add(
        self,
        run_id: str,
        step: TokenStep,
        attribution: TokenAttribution,
        reduced: Callable[[CandidateRows], None] | None = None,
    ) -> None:
        """A token came. One that was there already takes the place of it and all after it.

        Args:
            run_id: The run.
            step: The token with its rows.
            attribution: What the pairs did to it.
            reduced: Told the candidates that are kept of the rows, on the writer's thread.
        """
        token = ExplainedToken.of(step, attribution)
        self._inbox.put(Added(run_id, token, step.logits, reduced))

    def finish(self, run_id: str, ending: Ending) -> None:
        """The run ended. More tokens may come all the same, with another ending after them."""
        self._inbox.put(Finished(run_id, ending))

    def flush(self, timeout: float) -> bool:
        """Wait until what came so far is written; whether it is."""
        flush = Flush(Event())
        return self._inbox.put(flush) and flush.done.wait(timeout) and flush.written

    def close(self) -> None:
        """Take nothing more; what came is still written. Returns at once."""
        self._inbox.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread to end; whether it has."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def database(self) -> Database | None:
        """Where runs are written to now; None before the thread has opened it."""
        ledger = self._ledger
        return ledger.database if ledger else None

    # On the writer's thread

    def _run(self) -> None:
        ledger = self._ledger = Ledger(open_history(self._path, self._tell), self._path)
        if not ledger.database.in_memory:
            self._empty_bin(ledger.database)
        self._on_change()
        while items := self._inbox.take(BATCH_SECONDS):
            written = False
            try:
                ledger = self._write(ledger, packed(items))
                written = True
            except Exception as error:  # a defect must not end the recording of later runs
                log.exception("a part of a run could not be written")
                self._tell(HistoryError("A part of a run was not kept", evidence=repr(error)))
                ledger.forget()
            for item in items:
                if isinstance(item, Flush):
                    item.written = written
                    item.done.set()
            if any(isinstance(item, NewRun | Finished) for item in items):
                self._on_change()
        ledger.close()

    def _empty_bin(self, database: Database) -> None:
        """Erase what has been in the bin for long."""
        try:
            archive = Archive(database)
            try:
                archive.purge()
            finally:
                archive.close()
        except HistoryError as error:
            log.warning("the bin was not emptied: %s", error)

    def _write(self, ledger: Ledger, items: list[Item]) -> Ledger:
        """Write ``items``, if need be to another database; returns the ledger in use."""
        busy = 0
        while True:
            try:
                ledger.write(items)
                return ledger
            except TROUBLE as error:
                ledger.forget()
                if ledger.database.in_memory:
                    raise
                if _is_busy(error) and busy < _MOST_BUSY:
                    busy += 1  # another process is writing; each time this waits for seconds
                    continue
                ledger.close()
                trouble = explained(error, self._path)
                ledger = Ledger(replaced(self._path, trouble, self._tell), self._path, ledger)
                self._ledger = ledger


def _is_busy(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
