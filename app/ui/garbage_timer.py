"""Garbage collection of Python objects on the window's thread only.

By default, Python collects cycles on any thread that allocates. A widget in a cycle could be
deleted on the engine's or the history's thread, which crashes the process.

Nearly all objects are those of imported modules, torch's above all. Walking them takes a quarter of
a second, in which neither the window nor the engine goes on. So what has survived a complete
collection is set aside, as Python itself does where few objects are new.
"""

from __future__ import annotations

import gc
import itertools
from threading import Event

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal

from app.garbage_collection import set_collector

_EVERY_MS = 1000
_OLDEST = 2
_MANY = 50_000
"""So many objects, which take 30 ms to walk, are set aside once they have survived."""
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
        self._kept = 0  # objects that survived the last complete collection

    def collect(self) -> None:
        """Collect the generations that are due, like Python's automatic collection.

        The oldest is collected without what was set aside, until as much again has been.
        """
        due = itertools.takewhile(
            lambda generation: gc.get_count()[generation] > gc.get_threshold()[generation],
            range(len(gc.get_threshold())),
        )
        for generation in due:
            if generation < _OLDEST:
                gc.collect(generation)
            else:
                self._collect_oldest()

    def _collect_oldest(self) -> None:
        if gc.get_freeze_count() >= 2 * self._kept:
            self._collect_completely()
            return
        gc.collect()
        if len(gc.get_objects()) > _MANY:
            gc.freeze()

    def _collect_completely(self) -> None:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._kept = gc.get_freeze_count()

    def collect_all(self) -> None:
        """Collect all generations, and wait for that if called from another thread."""
        if QThread.currentThread() is self.thread():
            self._collect_completely()
            return
        done = Event()
        self._asked.emit(done)
        done.wait(_PATIENCE_SECONDS)

    def _collect_for(self, done: Event) -> None:
        self._collect_completely()
        done.set()

    def stop(self) -> None:
        """Switch Python's automatic collection on again."""
        self._timer.stop()
        set_collector(gc.collect)
        gc.unfreeze()
        gc.enable()
