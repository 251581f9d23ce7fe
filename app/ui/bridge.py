"""Between the engine's thread and the window: events cross once per frame, as one list."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.engine.commands import Command
from app.engine.worker import OUTBOX_SIZE, EngineClient, EngineThread

FRAME_MS = 33
SLOWEST_FRAME_MS = 150
SHARE = 0.05
"""Frames are as far apart as it takes for the window to need no more than this of a processor:
what it takes, the thread that decodes waits for twice, for the processor and for Python's lock."""
BUDGET_SECONDS = 0.004
"""Time in one frame for taking events; what is left waits for the next frame."""

_BATCH = 64


class Bridge(QObject):
    """Owns the engine's thread and drains its outbox while there is something in it."""

    events = Signal(list)
    """A list of :data:`app.engine.events.Event`, in order."""

    _woken = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = EngineThread(self._woken.emit)
        self._frame = QTimer(self)
        self._frame.timeout.connect(self._drain)
        self._woken.connect(self._wake)  # queued: emitted on the engine's thread
        self._drained_at = self._spent_at = 0.0  # seconds, of the clock and of the processor
        self._pace_ms: float = FRAME_MS

    def start(self) -> None:
        self._engine.start()

    def submit(self, command: Command) -> None:
        self._engine.submit(command)

    def new_client(self, wake: Callable[[], None]) -> EngineClient:
        """A way to the engine past the window; see :meth:`EngineThread.new_client`."""
        return self._engine.new_client(wake)

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
    def _wake(self) -> None:
        """Take what came at once, or where the last frame was just now when the next is due."""
        if not self._frame.isActive():
            passed = 1000 * (time.monotonic() - self._drained_at)
            self._spent_at = time.thread_time()  # what was done while nothing came does not count
            self._frame.start(max(round(self._pace_ms - passed), 0))

    def _pace(self) -> None:
        """Let the next frame come as late as what the last one cost asks for."""
        self._drained_at, spent = time.monotonic(), time.thread_time()
        cost = 1000 * (spent - self._spent_at)
        self._spent_at = spent
        self._pace_ms = min(max(cost / SHARE, FRAME_MS), SLOWEST_FRAME_MS)
        self._frame.setInterval(round(self._pace_ms))

    @Slot()
    def _drain(self) -> None:
        self._pace()
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
