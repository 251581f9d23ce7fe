"""Garbage collection of Python objects on the window's thread only.

By default, Python collects cycles on any thread that allocates. A widget in a cycle could be
deleted on the engine's or the history's thread, which crashes the process.
"""

from __future__ import annotations

import gc
import itertools
from threading import Event

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal

from app.garbage_collection import set_collector

_EVERY_MS = 1000
_PATIENCE_SECONDS = 5.0
"""Limit of :meth:`GarbageCollector.collect_all`, since the event loop may have ended."""


class GarbageCollector(QObject):
    """Collects garbage from a timer; Python's automatic collection is off until :meth:`stop`."""

    _asked = Signal(object)
    """Another thread asks for a collection; it waits for the event."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        set_collector(self.collect_all)
        self._asked.connect(self._collect_for, Qt.ConnectionType.QueuedConnection)
        self._timer = QTimer(self, interval=_EVERY_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> None:
        """Collect the generations that are due, like Python's automatic collection."""
        due = itertools.takewhile(
            lambda generation: gc.get_count()[generation] > gc.get_threshold()[generation],
            range(len(gc.get_threshold())),
        )
        for generation in due:
            gc.collect(generation)

    def collect_all(self) -> None:
        """Collect all generations, and wait for that if called from another thread."""
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
        """Switch Python's automatic collection on again."""
        self._timer.stop()
        set_collector(gc.collect)
        gc.enable()
