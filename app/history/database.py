"""The history database: opening, migrating, and recovering from damage.

The database uses WAL with ``synchronous=NORMAL``: committed data survives a crash of the process; a
power failure may lose the last transactions but does not damage the file. Any number of processes
may use the file at the same time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from uuid import uuid4

from app.atomic_files import set_aside
from app.errors import HistoryError
from app.history.schema import VERSIONS, Statements, migrate, schema_version

_BUSY_SECONDS = 5.0
_BUSY_SECONDS_IN_MEMORY = 60.0
"""A database in memory has no WAL: a reader delays the writer, and the writer a reader."""

_POLL_SECONDS = 0.01
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)

STORAGE_ERRORS = (OSError, sqlite3.Error, UnicodeDecodeError)
"""Exceptions of file access. SQLite's error messages for a damaged file may not even be UTF-8."""

_COMPANIONS = ("-wal", "-shm")


class Database:
    """A history database: a file, or a database in memory if no file can be used.

    Args:
        path: The file, created if it does not exist; None for a database in memory.
        versions: The migration from each schema version to the next.

    Raises:
        HistoryError: The file cannot be used, and was not changed. For a damaged file, the error is
            a :class:`DamagedHistoryError`.
    """

    def __init__(self, path: Path | None, versions: Sequence[Statements] = VERSIONS) -> None:
        self.path = path
        self._name = f"file:/{uuid4().hex}?vfs=memdb"
        self._memory: sqlite3.Connection | None = None
        """Keeps a database in memory alive."""
        try:
            if path is None:
                _refuse_old_sqlite()
                self._memory = self._open_memory()
                migrate(self._memory, versions)
            else:
                _prepare_file(path, versions)
        except STORAGE_ERRORS as error:
            raise history_error(error, path) from error

    @property
    def in_memory(self) -> bool:
        return self.path is None

    def connect(self) -> sqlite3.Connection:
        """A connection for the calling thread.

        Threads do not share one, not even to a database in memory: SQLite holds the lock of a
        connection while a statement calls a Python function, which waits for the lock of Python;
        another thread that holds this lock may be waiting for the connection.

        Raises:
            HistoryError: The database cannot be opened.
        """
        try:
            return self._open_memory() if self.path is None else _open_file(self.path)
        except STORAGE_ERRORS as error:
            raise history_error(error, self.path) from error

    def disconnect(self, connection: sqlite3.Connection) -> None:
        """Close a connection returned by :meth:`connect`."""
        connection.close()

    @contextmanager
    def transaction(self, connection: sqlite3.Connection) -> Iterator[None]:
        """A transaction that commits at the end of the block and rolls back after an exception."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # SQLite has already rolled back if the disk is full
                connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Discard a database in memory; does nothing for a file."""
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def _open_memory(self) -> sqlite3.Connection:
        # The thread that discards the database may be another one than that which created it.
        return _connect(self._name, _BUSY_SECONDS_IN_MEMORY, uri=True, check_same_thread=False)


class DamagedHistoryError(HistoryError):
    """The file is damaged or not a history database."""


def open_history(path: Path, on_problem: Callable[[HistoryError], None]) -> Database:
    """Open the history in ``path``, or a replacement that runs can be written to.

    A damaged file is set aside and a new one is created. After any other error the replacement is
    in memory, and the file is not changed.

    Args:
        path: The file, created if it does not exist.
        on_problem: Called with an error to show to the user.
    """
    try:
        return Database(path)
    except HistoryError as error:
        return replacement_database(path, error, on_problem)


def replacement_database(
    path: Path, error: HistoryError, on_problem: Callable[[HistoryError], None]
) -> Database:
    """The database to use after ``error`` occurred with the history in ``path``.

    Args:
        path: The file.
        error: The error of opening the file or writing to it.
        on_problem: Called with an error to show to the user.
    """
    if not isinstance(error, DamagedHistoryError):
        on_problem(_in_memory_problem(error))
        return Database(None)
    try:
        aside = set_aside(path, _COMPANIONS)
        fresh = Database(path)
    except (OSError, HistoryError) as worse:
        on_problem(
            _in_memory_problem(history_error(worse, path) if isinstance(worse, OSError) else worse)
        )
        return Database(None)
    on_problem(
        HistoryError(
            "The history of runs was damaged, and a new one was created",
            evidence=error.evidence,
            next_step=f"The old file is kept as {aside}.",
        )
    )
    return fresh


def _in_memory_problem(error: HistoryError) -> HistoryError:
    return HistoryError(
        error.cause,
        evidence=error.evidence,
        next_step="Runs are kept in memory until Tuneshift is closed; export those you need. "
        + error.next_step,
    )


def open_to_read(path: Path) -> Database:
    """Open the existing history in ``path``; does not create a file.

    Raises:
        HistoryError: The file does not exist or cannot be used.
    """
    if not path.exists():
        raise HistoryError(
            "There is no history of runs yet",
            evidence=f"{path} does not exist",
            next_step="The window stores every run; so does: tuneshift generate --save",
        )
    return Database(path)


def history_error(error: Exception, path: Path | None) -> HistoryError:
    """The error to show to the user for one of :data:`STORAGE_ERRORS`."""
    place = "in memory" if path is None else f"in {path}"
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGE or isinstance(error, UnicodeDecodeError):
        return DamagedHistoryError(f"The history {place} is damaged", evidence=str(error))
    if code == sqlite3.SQLITE_FULL:
        return HistoryError(
            f"The disk is too full for the history {place}",
            evidence=str(error),
            next_step="Free disk space, then restart Tuneshift.",
        )
    return HistoryError(
        f"The history {place} cannot be used",
        evidence=str(error),
        next_step="Check that the folder is writable and that no other program locks the file.",
    )


def _refuse_old_sqlite() -> None:
    """Refuse a SQLite whose connections to a database in memory each open one of their own."""
    if sqlite3.sqlite_version_info < (3, 36):
        raise HistoryError(
            "The history of runs cannot be kept in memory",
            evidence=f"this Python has SQLite {sqlite3.sqlite_version}, 3.36 is needed",
            next_step="Use a newer Python, or make the folder of the history usable.",
        )


def _connect(
    name: str, busy_seconds: float, *, uri: bool = False, check_same_thread: bool = True
) -> sqlite3.Connection:
    connection = sqlite3.connect(
        name,
        timeout=busy_seconds,
        isolation_level=None,  # autocommit: transactions are explicit
        uri=uri,
        check_same_thread=check_same_thread,
    )
    connection.text_factory = _text
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "replace")  # damaged text must stay readable


def _open_file(path: Path) -> sqlite3.Connection:
    connection = _connect(str(path), _BUSY_SECONDS)
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection
    except BaseException:
        connection.close()
        raise


def _prepare_file(path: Path, versions: Sequence[Statements]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(_open_file(path)) as connection:
        found = schema_version(connection)
        if found > len(versions):
            raise HistoryError(
                "The history of runs was written by a newer version of Tuneshift",
                evidence=f"{path} has version {found}, this program writes version {len(versions)}",
                next_step="Update Tuneshift; the file was not changed.",
            )
        _use_wal(connection)
        if found < len(versions):
            if found:
                _back_up(connection, path.with_name(f"{path.stem}.v{found}{path.suffix}"))
            migrate(connection, versions)
        _check(connection)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL, with retries, since SQLite does not wait for other processes here."""
    end = monotonic() + _BUSY_SECONDS
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
    """Copy the database before a migration, atomically."""
    unfinished = target.with_name(f"{target.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(unfinished)) as copy:
        connection.backup(copy)
    unfinished.replace(target)


def _check(connection: sqlite3.Connection) -> None:
    """Read the newest rows, to detect damage early at little cost."""
    try:
        connection.execute("SELECT * FROM run ORDER BY number DESC LIMIT 1").fetchone()
        connection.execute("SELECT * FROM candidates ORDER BY rowid DESC LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        if (
            getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR
        ):  # a table or column is missing
            raise DamagedHistoryError("The tables are damaged", evidence=str(error)) from error
        raise
