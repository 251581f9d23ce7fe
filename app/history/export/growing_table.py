"""A table of tokens as a file that grows run by run, so that no run need be kept in memory."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from app.errors import HistoryError, SettingsError
from app.history.export.csv_file import csv_lines
from app.history.export.formats import CSV, check_format
from app.history.export.parquet_file import PARQUET, TokenGroups
from app.history.export.token_table import Cell, TokenSource, TokenTable


class GrowingTable:
    """The file of a table of tokens, with the columns of runs of the same pairs.

    It has the columns ``coverage`` and ``bounded`` in any case. A CSV file has all rows of each run
    that was added, whatever happens later. A Parquet file can be read once it is closed.

    Use :func:`growing_table`, which opens and closes it.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._groups: TokenGroups | None = None
        self.begun = False

    def begin(self, header: TokenSource) -> None:
        """Replace what the file had by a table without rows.

        Args:
            header: A run with the pairs of all that will be added; its tokens are not.

        Raises:
            HistoryError: The file cannot be written.
        """
        table = TokenTable([header], always_shares=True)
        with _told(self._path):
            if stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
                self._file.seek(0)
                self._file.truncate()
            self.begun = True
            if self._path.suffix.lower() == f".{PARQUET}":
                self._groups = TokenGroups(self._file, table)
            else:
                self._write([table.header()])

    def add(self, run: TokenSource) -> None:
        """Write the tokens of a run.

        Raises:
            HistoryError: The file cannot be written.
        """
        rows = TokenTable([run], always_shares=True).rows()
        with _told(self._path):
            if self._groups is None:
                self._write(rows)
            else:
                self._groups.add(rows)

    def end(self) -> None:
        """Write what a Parquet file has at its end.

        Raises:
            HistoryError: The file cannot be written.
        """
        with _told(self._path):
            if self._groups is not None:
                self._groups.close()
            self._file.flush()

    def _write(self, rows: Iterable[Sequence[Cell]]) -> None:
        self._file.write(csv_lines(rows).encode("utf-8"))  # at once: no half row is left by a kill
        self._file.flush()


@contextmanager
def growing_table(path: Path) -> Iterator[GrowingTable]:
    """Open a file for a table of tokens, by the ending of its name; what it has stays until begun.

    Raises:
        SettingsError: The name has another ending.
        HistoryError: The file cannot be written, or an optional package is missing.
    """
    ending = path.suffix.lower()[1:]
    if ending not in (CSV, PARQUET):
        raise SettingsError(
            f"{path.name} is no table", next_step=f"End its name with .{CSV} or .{PARQUET}."
        )
    check_format(ending)
    is_new = not path.exists()
    with _told(path):
        file = path.open("ab")
    table = GrowingTable(path, file)
    try:
        yield table
        table.end()
    except BaseException:
        with suppress(HistoryError):  # the first error is the one to tell
            table.end()
        raise
    finally:
        with suppress(OSError):
            file.close()
        if is_new and not table.begun:
            path.unlink(missing_ok=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell of an error of the operating system as one of the file."""
    try:
        yield
    except OSError as error:
        raise HistoryError(
            f"{path} cannot be written",
            evidence=error.strerror or str(error),
            next_step="Choose another file, or make room on its disk.",
        ) from error
