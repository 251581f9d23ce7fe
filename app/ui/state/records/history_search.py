"""The search of the history on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from PySide6.QtCore import QObject, Signal, Slot

from app.errors import TuneshiftError
from app.history.archive import Query
from app.history.records import RunSummary
from app.ui.state.background import Background
from app.ui.state.records.history_reader import HistoryReader


@dataclass(frozen=True, slots=True)
class FoundRuns:
    """What a search has found so far.

    Attributes:
        runs: The runs, newest first.
        tags: All tags of the history, once the search has ended.
        ended: Whether the search has ended.
    """

    runs: list[RunSummary]
    tags: list[str]
    ended: bool


class HistorySearch(QObject):
    """Finds runs in the background. A new search cancels the one before.

    Args:
        failed: Called with the error of a search.
    """

    found = Signal(object)
    """Some runs were found, or the search has ended; a :class:`FoundRuns`."""
    _part = Signal(object, object)

    def __init__(self, failed: Callable[[TuneshiftError], None], parent: QObject) -> None:
        super().__init__(parent)
        self._failed = failed
        self._background = Background("history search", self)
        self._job: int | None = None
        self._cancelled = Event()
        self._part.connect(self._on_part)  # queued: emitted on the thread

    def start(self, reader: HistoryReader, query: Query) -> None:
        """Search for ``query``."""
        self.cancel()
        cancelled = self._cancelled = Event()

        def work() -> FoundRuns:
            runs: list[RunSummary] = []
            for part in reader.find_in_parts(query, cancelled.is_set):
                runs += part
                self._part.emit(cancelled, FoundRuns(list(runs), [], ended=False))
            return FoundRuns(runs, reader.tags(), ended=True)

        self._job = self._background.run(self, work, self.found.emit, self._on_failed)

    def cancel(self) -> None:
        """Cancel the running search, if there is one."""
        self._cancelled.set()
        if self._job is not None:
            self._background.forget(self._job)

    def close(self) -> None:
        """Cancel the search and start no other. Returns at once."""
        self.cancel()
        self._background.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread to end; whether it has ended."""
        return self._background.join(timeout)

    @Slot(object, object)
    def _on_part(self, cancelled: Event, found: FoundRuns) -> None:
        if not cancelled.is_set():
            self.found.emit(found)

    def _on_failed(self, error: TuneshiftError) -> None:
        self._failed(error)
        self.found.emit(FoundRuns([], [], ended=True))
