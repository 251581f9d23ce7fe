"""Queue of downloads from the Hub, on a background thread."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from threading import Event as Flag
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from app.checkpoints import hub
from app.errors import TuneshiftError
from app.ui.state.background import Background

POLL_MS = 100
"""Interval of progress updates."""

_Result = TypeVar("_Result")


class DownloadState(StrEnum):
    """State of a download."""

    WAITING = "waiting"  # for the ones before it
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Download:
    """The download of one model; ``Downloads.changed`` announces its changes.

    Attributes:
        source: Source as in a recipe, ``hub:OWNER/NAME[@REVISION]``.
        done: Downloaded bytes.
        total: Size in bytes; 0 while unknown.
        speed: Bytes per second; 0 while unknown.
        seconds_left: Remaining time at this speed, or None.
        stalled: Whether no data has arrived for a while.
        error: The reason of a failure.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.state = DownloadState.WAITING
        self.done = 0
        self.total = 0
        self.file = ""
        self.speed = 0.0
        self.seconds_left: float | None = None
        self.stalled = False
        self.error: TuneshiftError | None = None
        self._begin()

    def _begin(self) -> None:
        self._cancel = Flag()
        self._job: int | None = None
        self._reports: deque[hub.DownloadProgress] = deque(maxlen=1)
        self._pace = hub.Pace()

    @property
    def name(self) -> str:
        """Name for the user."""
        return self.source.removeprefix("hub:")

    @property
    def active(self) -> bool:
        """Whether the download is waiting or running."""
        return self.state in (DownloadState.WAITING, DownloadState.RUNNING)

    def _reset(self) -> None:
        self.state, self.error = DownloadState.WAITING, None
        self.done = self.total = 0
        self.file, self.speed, self.seconds_left, self.stalled = "", 0.0, None, False
        self._begin()

    def _take_progress(self, now: float) -> None:
        if self._reports:
            progress = self._reports[-1]
            self.state = DownloadState.RUNNING
            self.done, self.total, self.file = progress.done, progress.total, progress.file
            self._pace.add(now, progress.done)
            self.speed, self.stalled = self._pace.bytes_per_second, self._pace.stalled
            self.seconds_left = self._pace.seconds_left(progress.total)


class Downloads(QObject):
    """Queue of downloads, and background queries to the Hub and its cache.

    The network is used only on request of the user.

    Args:
        clock: Monotonic clock in seconds, for speeds.
    """

    changed = Signal()
    """A download started, progressed or ended."""
    finished = Signal(object)
    """A :class:`Download` is complete."""

    def __init__(
        self, parent: QObject | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(parent)
        self._clock = clock
        self.closing = Flag()
        """Set when the window closes; cancels queries that check it."""
        self._downloads: list[Download] = []
        self._transfers = Background("downloads", self)
        self._questions = Background("hub questions", self)
        self._poll = QTimer(self, interval=POLL_MS)
        self._poll.timeout.connect(self._take_progress)

    @property
    def downloads(self) -> tuple[Download, ...]:
        """Waiting, running and failed downloads, in order of their requests."""
        return tuple(self._downloads)

    @property
    def active(self) -> bool:
        """Whether any download is waiting or running."""
        return any(download.active for download in self._downloads)

    def add(self, source: str) -> Download:
        """Queue the download of ``source``, unless it is queued already."""
        for download in self._downloads:
            if download.source == source:
                if not download.active:
                    self.retry(download)
                return download
        download = Download(source)
        self._downloads.append(download)
        self._start(download)
        return download

    def retry(self, download: Download) -> None:
        """Start a failed or cancelled download again; finished files are kept."""
        if download.active or download.state is DownloadState.DONE:
            return
        download._reset()
        if download not in self._downloads:
            self._downloads.append(download)
        self._start(download)

    def cancel(self, download: Download) -> None:
        """Cancel a download, or dismiss a failed one."""
        if download in self._downloads:
            self._downloads.remove(download)
            download._cancel.set()
            if download._job is not None:
                self._transfers.forget(download._job)
            download.state = DownloadState.CANCELLED
            self._announce()

    def ask(
        self,
        owner: QObject,
        question: Callable[[], _Result],
        done: Callable[[_Result], None],
        failed: Callable[[TuneshiftError], None],
    ) -> int:
        """Run ``question`` on a background thread; see :meth:`Background.run`."""
        return self._questions.run(owner, question, done, failed)

    def forget(self, job: int) -> None:
        """Drop the callbacks of a query."""
        self._questions.forget(job)

    def close(self) -> None:
        """Cancel everything; the threads end soon after."""
        self.closing.set()
        self._poll.stop()
        for download in self._downloads:
            download._cancel.set()
        self._transfers.close()
        self._questions.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the threads to end; whether they have ended."""
        return self._transfers.join(timeout) and self._questions.join(timeout)

    def _start(self, download: Download) -> None:
        source, reports, cancel = download.source, download._reports, download._cancel

        def work() -> None:
            hub.download(hub.parse(source), reports.append, cancel.is_set)

        def done(_: object) -> None:
            self._end(download, DownloadState.DONE)

        def failed(error: TuneshiftError) -> None:
            download.error = error
            self._end(download, DownloadState.FAILED)

        download._job = self._transfers.run(self, work, done, failed)
        self._announce()

    def _end(self, download: Download, state: DownloadState) -> None:
        download._take_progress(self._clock())
        download.state, download.stalled = state, False
        if state is DownloadState.DONE:
            self._downloads.remove(download)
            self._announce()
            self.finished.emit(download)
        else:
            self._announce()

    def _take_progress(self) -> None:
        now = self._clock()
        for download in self._downloads:
            if download.active:
                download._take_progress(now)
        self._announce()

    def _announce(self) -> None:
        if self.active and not self._poll.isActive():
            self._poll.start()
        elif not self.active:
            self._poll.stop()
        self.changed.emit()
