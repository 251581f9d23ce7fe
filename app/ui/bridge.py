"""Bridge from the engine's thread to the window: delivers events once per frame, as one list."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, Signal, Slot

from app.engine.commands import Command
from app.engine.frame_pause import FramePause
from app.engine.worker import OUTBOX_SIZE, EngineClient, EngineThread

FRAME_MS = 33
SLOWEST_FRAME_MS = 150
CPU_SHARE = 0.02
"""Maximum share of one CPU core for the window while events arrive.

The interval of frames is lengthened to keep it, because the window and the decoding thread
compete for the CPU and for Python's global interpreter lock.
"""
BUDGET_SECONDS = 0.004
"""Time in one frame for draining the outbox; other events wait for the next frame."""
LATE_MS = 100
"""A frame is drawn beside a busy engine if no event came in this time after the frame was due."""

_BATCH = 64


class Bridge(QObject):
    """Owns the engine's thread, and drains its outbox while there are events in it.

    Frames are drawn in pauses of the engine (:class:`~app.engine.frame_pause.FramePause`), from
    draining the outbox to painting what changed.
    """

    events = Signal(list)
    """A list of :data:`app.engine.events.Event`, in order."""

    _woken = Signal()
    _paused = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pause = FramePause(self._paused.emit)
        self._engine = EngineThread(self._woken.emit, pause=self._pause)
        self._frame = QTimer(self)
        self._frame.timeout.connect(self._begin_frame)
        self._late = QTimer(self, interval=LATE_MS, singleShot=True)
        self._late.timeout.connect(self._draw_beside)
        self._rounds = 0  # of the event loop until the frame has been painted
        # Queued: both are emitted on the engine's thread.
        self._woken.connect(self._wake, Qt.ConnectionType.QueuedConnection)
        self._paused.connect(self._draw, Qt.ConnectionType.QueuedConnection)
        self._drained_at = self._spent_at = 0.0  # wall-clock and CPU time in seconds
        self._pace_ms: float = FRAME_MS

    def start(self) -> None:
        self._engine.start()

    def submit(self, command: Command) -> None:
        self._engine.submit(command)

    def set_prefix_bytes(self, size: int) -> None:
        """Change the memory for keys and values of earlier texts, from the next run on."""
        self._engine.prefix_bytes = size

    def new_client(self, wake: Callable[[], None]) -> EngineClient:
        """A client of the engine besides the window; see :meth:`EngineThread.new_client`."""
        return self._engine.new_client(wake)

    def close(self) -> None:
        """Cancel all commands; the thread ends soon after."""
        self._frame.stop()
        self._late.stop()
        self._pause.end()
        waiting = self._engine.outbox.drain(OUTBOX_SIZE)
        if waiting:
            self.events.emit(waiting)  # events that the window had no time for are not lost
        self._engine.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the engine's thread to end; whether it has ended."""
        return self._engine.join(timeout)

    @Slot()
    def _wake(self) -> None:
        """Drain the outbox at once, or when the next frame is due if the last one was just now."""
        if not self._frame.isActive() and not self._late.isActive():
            passed = 1000 * (time.monotonic() - self._drained_at)
            self._spent_at = time.thread_time()  # CPU time between frames does not count
            self._frame.start(max(round(self._pace_ms - passed), 0))

    def _pace(self) -> None:
        """Set the interval to the next frame from the CPU time of the last one."""
        self._drained_at, spent = time.monotonic(), time.thread_time()
        cost = 1000 * (spent - self._spent_at)
        self._spent_at = spent
        self._pace_ms = min(max(cost / CPU_SHARE, FRAME_MS), SLOWEST_FRAME_MS)
        self._frame.setInterval(round(self._pace_ms))

    @Slot()
    def _begin_frame(self) -> None:
        """Ask for the pause in which the frame is drawn; without events, the next one brings it."""
        self._frame.stop()
        waiting = not self._engine.outbox.is_empty
        if waiting and self._engine.is_idle:
            self._draw_beside()
            return
        self._pause.ask()
        if waiting:
            self._late.start()

    @Slot()
    def _draw(self) -> None:
        """Drain the outbox while the engine pauses, until what changed has been painted."""
        if 1000 * (time.monotonic() - self._drained_at) > 2 * SLOWEST_FRAME_MS:
            self._spent_at = time.thread_time()  # CPU time between frames does not count
        self._drain()
        self._rounds = 2  # what was painted may ask for a second round, as the plot does
        self._end_round()

    @Slot()
    def _draw_beside(self) -> None:
        """Drain the outbox without a pause of the engine."""
        self._pause.end()
        self._drain()

    def _end_round(self) -> None:
        # Behind the painting, which has this priority too.
        event = QEvent(QEvent.Type.User)
        QCoreApplication.postEvent(self, event, Qt.EventPriority.LowEventPriority.value)

    def event(self, event: QEvent) -> bool:
        if event.type() is not QEvent.Type.User:
            return super().event(event)
        self._rounds -= 1
        if self._rounds > 0:
            self._end_round()
        else:
            self._pause.end()
        return True

    @Slot()
    def _drain(self) -> None:
        self._late.stop()
        self._pace()
        deadline = time.perf_counter() + BUDGET_SECONDS
        taken = self._engine.outbox.drain(_BATCH)
        while taken and time.perf_counter() < deadline:
            more = self._engine.outbox.drain(_BATCH)
            if not more:
                break
            taken += more
        self._frame.start()
        if taken:
            self.events.emit(taken)
