"""Background thread for blocking work; the thread exists only while there is work."""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal, Slot
from shiboken6 import isValid

from app.errors import Cancelled, TuneshiftError, kind_and_places, unknown_error

log = logging.getLogger(__name__)

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, eq=False)
class _Callbacks:
    owner: QObject
    done: Callable[[Any], None]
    failed: Callable[[TuneshiftError], None]


class Background(QObject):
    """Queue that runs functions one after another, and delivers results on the window's thread.

    Args:
        name: Name of the thread.
    """

    _woken = Signal()

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._ids = itertools.count()
        # Callbacks are not passed to the thread: if it held the last reference to a widget, the
        # widget would be deleted on the wrong thread.
        self._callbacks: dict[int, _Callbacks] = {}
        self._lock = Lock()
        self._waiting: deque[tuple[int, Callable[[], Any]]] = deque()
        self._answers: deque[tuple[int, Any, BaseException | None]] = deque()
        self._thread: Thread | None = None
        self._running = False
        self._closed = False
        self._woken.connect(self._answer)  # queued: emitted on the thread

    def run(
        self,
        owner: QObject,
        work: Callable[[], _Result],
        done: Callable[[_Result], None],
        failed: Callable[[TuneshiftError], None],
    ) -> int:
        """Queue ``work``.

        Args:
            owner: The object that asks; after its deletion no callback is called.
            work: The function to run; it must not touch widgets. If it raises ``Cancelled``, no
                callback is called.
            done: Called with the result.
            failed: Called with the error.

        Returns:
            The number of the job, for :meth:`forget`.
        """
        job = next(self._ids)
        self._callbacks[job] = _Callbacks(owner, done, failed)
        with self._lock:
            if self._closed:
                return job
            self._waiting.append((job, work))
            if not self._running:
                self._running = True
                self._thread = Thread(target=self._work, name=self._name)
                self._thread.start()
        return job

    def forget(self, job: int) -> None:
        """Drop the callbacks of a job, and do not run it if it has not started."""
        self._callbacks.pop(job, None)
        with self._lock:
            self._waiting = deque(item for item in self._waiting if item[0] != job)

    def close(self, *, finish: bool = False) -> None:
        """Drop all callbacks and waiting jobs; the running job continues to its end.

        Args:
            finish: Whether the waiting jobs are run nevertheless.
        """
        self._callbacks.clear()
        with self._lock:
            self._closed = True
            if not finish:
                self._waiting.clear()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread to end; whether it has ended."""
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._running = False
                    return
                job, work = self._waiting.popleft()
            answer: tuple[int, Any, BaseException | None]
            try:
                answer = (job, work(), None)
            except BaseException as error:
                answer = (job, None, error)
            del work
            with self._lock:
                if self._closed:
                    continue
                self._answers.append(answer)
                self._woken.emit()

    @Slot()
    def _answer(self) -> None:
        job, result, error = self._answers.popleft()
        callbacks = self._callbacks.pop(job, None)
        if callbacks is None or not isValid(callbacks.owner) or isinstance(error, Cancelled):
            return
        if error is None:
            callbacks.done(result)
        else:
            callbacks.failed(_as_tuneshift_error(error))


def _as_tuneshift_error(error: BaseException) -> TuneshiftError:
    if isinstance(error, TuneshiftError):
        return error
    log.error("a background task failed\n%s", kind_and_places(error))
    return unknown_error(error)
