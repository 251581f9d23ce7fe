"""Reading of the history on any thread, on connections of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from app.errors import HistoryError
from app.history.archive import Archive, Query
from app.history.export.document import Document, read_document
from app.history.records import RunSummary
from app.history.run_edits import readable_archives
from app.history.writer import HistoryWriter

_PATIENCE_SECONDS = 2.0


class HistoryReader:
    """Finds and reads stored runs. Reading may take long, and is not for the window's thread.

    If the history is in memory because the file cannot be written, runs in memory come before
    those of the file.

    Args:
        writer: The writer, whose database is read; None for an empty history.
        path: The history file.
    """

    def __init__(self, writer: HistoryWriter | None = None, path: Path | None = None) -> None:
        self._writer = writer
        self._path = path

    def find_in_parts(
        self, query: Query, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[list[RunSummary]]:
        """The matching runs, newest first, in parts as they are found.

        Raises:
            HistoryError: The history cannot be read.
            Cancelled: When ``cancelled`` says so.
        """
        seen = set[str]()
        with self._archives() as archives:
            for archive in archives:
                for part in archive.find_in_parts(query, cancelled=cancelled):
                    yield [run for run in part if run.id not in seen]
                    seen.update(run.id for run in part)

    def tags(self) -> list[str]:
        """All tags.

        Raises:
            HistoryError: The history cannot be read.
        """
        with self._archives() as archives:
            return sorted({tag for archive in archives for tag in archive.tags()})

    def document(self, run_id: str) -> Document:
        """The current content of a run, for exports. Waits for what is still being written.

        Raises:
            HistoryError: The run cannot be read.
        """
        if self._writer:
            self._writer.flush(_PATIENCE_SECONDS)
        with self._archives() as archives:
            held = next((archive for archive in archives if archive.holds(run_id)), None)
            if held is None:
                raise HistoryError(f"There is no run “{run_id}” in the history")
            return read_document(held, run_id)

    @contextmanager
    def _archives(self) -> Iterator[list[Archive]]:
        database = self._writer.database if self._writer else None
        with ExitStack() as open_archives:
            yield [
                open_archives.enter_context(closing(archive))
                for archive in (readable_archives(database, self._path) if database else ())
            ]
