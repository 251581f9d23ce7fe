"""The file of the history: opening it, keeping it from harm, and what to do where it is of no use.

WAL with ``synchronous=NORMAL``: what is committed survives the end of the process in any way; a
loss of power may take the last transactions and nothing else. Any number of processes may use it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from threading import RLock
from time import monotonic, sleep

from app.atomic_files import set_aside
from app.errors import HistoryError
from app.history.schema import VERSIONS, Statements, bring_up_to_date, version_of

_PATIENCE_SECONDS = 5.0
_POLL_SECONDS = 0.01
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)

TROUBLE = (OSError, sqlite3.Error, UnicodeDecodeError)
"""What comes of files: of a damaged one even the words of SQLite's message may be no text."""

_COMPANIONS = ("-wal", "-shm")


class Database:
    """A history that connections can be made to: a file, or one in memory where no file will do.

    Args:
        path: The file, which need not be there yet; None keeps everything in memory.
        versions: The steps from each version of the tables to the next.

    Raises:
        HistoryError: When the file cannot be used; nothing in it was changed. Of a damaged file the
            error is a :class:`DamagedHistoryError`.
    """

    def __init__(self, path: Path | None, versions: Sequence[Statements] = VERSIONS) -> None:
        self.path = path
        self._memory: sqlite3.Connection | None = None
        self._lock: AbstractContextManager[object] = RLock() if path is None else nullcontext()
        try:
            if path is None:
                # One connection for all threads: SQLite is built to be used so, and says if not.
                self._memory = _connect(":memory:", threads=sqlite3.threadsafety == 3)
                bring_up_to_date(self._memory, versions)
            else:
                _prepare_file(path, versions)
        except TROUBLE as error:
            raise explained(error, path) from error

    @property
    def in_memory(self) -> bool:
        return self.path is None

    def connect(self) -> sqlite3.Connection:
        """A connection for the thread that asks; in memory it is one and the same for all.

        Raises:
            HistoryError: When the file cannot be opened.
        """
        if self.path is None:
            assert self._memory is not None
            return self._memory
        try:
            return _open_file(self.path)
        except TROUBLE as error:
            raise explained(error, self.path) from error

    def disconnect(self, connection: sqlite3.Connection) -> None:
        """Close a connection of :meth:`connect`."""
        if connection is not self._memory:
            connection.close()

    @contextmanager
    def transaction(self, connection: sqlite3.Connection) -> Iterator[None]:
        """All that is written inside, or nothing of it."""
        with self._lock:  # in memory the threads share a connection, and with it the transaction
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite ends it by itself where the disk is full
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Forget a history in memory; a file stays."""
        if self._memory is not None:
            self._memory.close()
            self._memory = None


class DamagedHistoryError(HistoryError):
    """What is in the file is no history, or no longer one."""


def open_history(path: Path, tell: Callable[[HistoryError], None]) -> Database:
    """The history in ``path``; where it cannot be used, another that runs can be written to.

    A damaged file is set aside and a fresh one begun. Of any other trouble the history is kept in
    memory, and the file stays as it is.

    Args:
        path: The file, which need not be there yet.
        tell: Called with what the person has to know.
    """
    try:
        return Database(path)
    except HistoryError as error:
        return replaced(path, error, tell)


def replaced(path: Path, error: HistoryError, tell: Callable[[HistoryError], None]) -> Database:
    """What runs are to be written to after ``error`` befell the history in ``path``.

    Args:
        path: The file.
        error: What came of opening it or of writing to it.
        tell: Called with what the person has to know.
    """
    if not isinstance(error, DamagedHistoryError):
        tell(_only_in_memory(error))
        return Database(None)
    try:
        aside = set_aside(path, _COMPANIONS)
        fresh = Database(path)
    except (OSError, HistoryError) as worse:
        tell(_only_in_memory(explained(worse, path) if isinstance(worse, OSError) else worse))
        return Database(None)
    tell(
        HistoryError(
            "The history of runs was damaged, and a new one has been begun",
            evidence=error.evidence,
            next_step=f"The old file is kept as {aside}.",
        )
    )
    return fresh


def _only_in_memory(error: HistoryError) -> HistoryError:
    return HistoryError(
        error.cause,
        evidence=error.evidence,
        next_step="Runs are kept in memory until Tuneshift is closed; export what is to last. "
        + error.next_step,
    )


def open_to_read(path: Path) -> Database:
    """The history in ``path`` for looking at it; none is made where there is none.

    Raises:
        HistoryError: When there is none, or it cannot be used.
    """
    if not path.exists():
        raise HistoryError(
            "There is no history of runs yet",
            evidence=f"there is no {path}",
            next_step="Runs of the window are kept, and those of: tuneshift generate --save",
        )
    return Database(path)


def explained(error: Exception, path: Path | None) -> HistoryError:
    """What to tell a person about one of :data:`TROUBLE`."""
    place = "in memory" if path is None else f"in {path}"
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGE or isinstance(error, UnicodeDecodeError):
        return DamagedHistoryError(f"The history {place} is damaged", evidence=str(error))
    if code == sqlite3.SQLITE_FULL:
        return HistoryError(
            f"The disk is too full for the history {place}",
            evidence=str(error),
            next_step="Free some space, and start Tuneshift again.",
        )
    return HistoryError(
        f"The history {place} cannot be used",
        evidence=str(error),
        next_step="Check that the folder can be written to, and that no other program holds it.",
    )


def _connect(name: str, *, threads: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        name,
        timeout=_PATIENCE_SECONDS,
        isolation_level=None,  # transactions are begun and ended where they are needed
        check_same_thread=not threads,
    )
    connection.text_factory = _text
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "replace")  # what is damaged is shown and stands in no way


def _open_file(path: Path) -> sqlite3.Connection:
    connection = _connect(str(path))
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection
    except BaseException:
        connection.close()
        raise


def _prepare_file(path: Path, versions: Sequence[Statements]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(_open_file(path)) as connection:
        found = version_of(connection)
        if found > len(versions):
            raise HistoryError(
                "The history of runs was written by a newer version of Tuneshift",
                evidence=f"{path} has version {found}, this one writes version {len(versions)}",
                next_step="Update Tuneshift; nothing in the file was changed.",
            )
        _use_wal(connection)
        if found < len(versions):
            if found:
                _back_up(connection, path.with_name(f"{path.stem}.v{found}{path.suffix}"))
            bring_up_to_date(connection, versions)
        _check(connection)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL. For this SQLite waits for no other program that does the same."""
    end = monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or monotonic() > end:
                raise
            sleep(_POLL_SECONDS)


def _back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the history before its tables are changed, whole or not at all."""
    unfinished = target.with_name(f"{target.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(unfinished)) as copy:
        connection.backup(copy)
    unfinished.replace(target)


def _check(connection: sqlite3.Connection) -> None:
    """Meet damage now, as far as it takes no time."""
    try:
        connection.execute("SELECT * FROM run ORDER BY number DESC LIMIT 1").fetchone()
        connection.execute("SELECT * FROM candidates ORDER BY rowid DESC LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR:  # not our tables
            raise DamagedHistoryError("The tables are damaged", evidence=str(error)) from error
        raise
