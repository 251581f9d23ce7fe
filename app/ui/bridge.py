"""Between the engine's thread and the window: events cross once per frame, as one list."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.engine.messages import Command
from app.engine.worker import OUTBOX_SIZE, EngineThread, Line

FRAME_MS = 33
BUDGET_SECONDS = 0.004
"""Time in one frame for taking events; what is left waits for the next frame."""

_BATCH = 64


class Bridge(QObject):
    """Owns the engine's thread and drains its outbox while there is something in it."""

    events = Signal(list)
    """A list of :data:`app.engine.messages.Event`, in order."""

    _woken = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = EngineThread(self._woken.emit)
        self._frame = QTimer(self, interval=FRAME_MS)
        self._frame.timeout.connect(self._drain)
        self._woken.connect(self._frame.start)  # queued: emitted on the engine's thread

    def start(self) -> None:
        self._engine.start()

    def submit(self, command: Command) -> None:
        self._engine.submit(command)

    def line(self, wake: Callable[[], None]) -> Line:
        """A way to the engine past the window; see :meth:`EngineThread.line`."""
        return self._engine.line(wake)

    def close(self) -> None:
        """Cancel everything; the thread ends by itself soon after."""
        self._frame.stop()
        waiting = self._engine.outbox.drain(OUTBOX_SIZE)
        if waiting:
            self.events.emit(waiting)  # what came is kept, also where the window stood still
        self._engine.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the engine's thread; whether it has ended."""
        return self._engine.join(timeout)

    @Slot()
    def _drain(self) -> None:
        deadline = time.perf_counter() + BUDGET_SECONDS
        taken = self._engine.outbox.drain(_BATCH)
        while taken and time.perf_counter() < deadline:
            more = self._engine.outbox.drain(_BATCH)
            if not more:
                break
            taken += more
        if taken:
            self.events.emit(taken)
        else:
            self._frame.stop()
