"""Garbage is collected on the thread of the window alone.

Python collects cycles on whichever thread happens to allocate. A widget in a cycle would so be
deleted on the thread of the engine or of the history, which ends the process.
"""

from __future__ import annotations

import gc
import itertools
from threading import Event

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal

from app.garbage_collection import set_collector

_EVERY_MS = 1000
_PATIENCE_SECONDS = 5.0
"""The loop may have ended; what unloads its models does not wait for it for ever."""


class GarbageCollector(QObject):
    """Does from a timer what Python would do by itself; until :meth:`stop` Python does not."""

    _asked = Signal(object)
    """Another thread waits for this event."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        set_collector(self.collect_all)
        self._asked.connect(self._collect_for, Qt.ConnectionType.QueuedConnection)
        self._timer = QTimer(self, interval=_EVERY_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> None:
        """Collect the generations that are due, the youngest first."""
        due = itertools.takewhile(
            lambda generation: gc.get_count()[generation] > gc.get_threshold()[generation],
            range(len(gc.get_threshold())),
        )
        for generation in due:
            gc.collect(generation)

    def collect_all(self) -> None:
        """Collect everything; from another thread, such as one that has unloaded models, wait."""
        if QThread.currentThread() is self.thread():
            gc.collect()
            return
        done = Event()
        self._asked.emit(done)
        done.wait(_PATIENCE_SECONDS)

    def _collect_for(self, done: Event) -> None:
        gc.collect()
        done.set()

    def stop(self) -> None:
        """Let Python collect by itself again."""
        self._timer.stop()
        set_collector(gc.collect)
        gc.enable()
