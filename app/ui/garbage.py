"""Garbage is collected on the thread of the window alone.

Python collects cycles on whichever thread happens to allocate. A widget in a cycle would so be
deleted on the thread of the engine or of the history, which ends the process.
"""

from __future__ import annotations

import gc
import itertools

from PySide6.QtCore import QObject, QTimer

_EVERY_MS = 1000


class GarbageCollector(QObject):
    """Does from a timer what Python would do by itself; until :meth:`stop` Python does not."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
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

    def stop(self) -> None:
        """Let Python collect by itself again."""
        self._timer.stop()
        gc.enable()
