"""Bridge from the engine's thread to the window: delivers events once per frame, as one list."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from app.engine.commands import Command, Generate
from app.engine.frame_pause import FramePause
from app.engine.worker import OUTBOX_SIZE, EngineClient, EngineThread
from app.ui.drawing_pace import FRAMES, SLOW_EVENT_SECONDS
from app.ui.painting_end import PaintingEnd

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
        self._painting = PaintingEnd(self)
        self._painting.reached.connect(self._pause.end)
        # Queued: both are emitted on the engine's thread.
        self._woken.connect(self._wake, Qt.ConnectionType.QueuedConnection)
        self._paused.connect(self._draw, Qt.ConnectionType.QueuedConnection)
        self._drained_at = self._spent_at = 0.0  # wall-clock and CPU time in seconds
        self._pace_ms = FRAMES.shortest_ms

    def start(self) -> None:
        self._engine.start()

    def submit(self, command: Command) -> None:
        """Queue a command; a run begins with a pause, in which the window shows the new run."""
        if isinstance(command, Generate):
            self._pause.ask()
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

    def _pace(self, events: int) -> None:
        """Set the interval to the next frame from the CPU time of the last one.

        Args:
            events: The number of events that came since the last frame.
        """
        now, spent = time.monotonic(), time.thread_time()
        passed, cost = now - self._drained_at, spent - self._spent_at
        self._drained_at, self._spent_at = now, spent
        slow = passed >= SLOW_EVENT_SECONDS * max(events, 1)
        self._pace_ms = FRAMES.shortest_ms if slow else FRAMES.interval_ms(cost)
        self._frame.setInterval(self._pace_ms)

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
        if 1000 * (time.monotonic() - self._drained_at) > 2 * FRAMES.longest_ms:
            self._spent_at = time.thread_time()  # CPU time between frames does not count
        self._drain()
        self._painting.wait()

    @Slot()
    def _draw_beside(self) -> None:
        """Drain the outbox without a pause of the engine."""
        self._pause.end()
        self._drain()

    @Slot()
    def _drain(self) -> None:
        self._late.stop()
        deadline = time.perf_counter() + BUDGET_SECONDS
        taken = self._engine.outbox.drain(_BATCH)
        while taken and time.perf_counter() < deadline:
            more = self._engine.outbox.drain(_BATCH)
            if not more:
                break
            taken += more
        self._pace(len(taken))
        self._frame.start()
        if taken:
            self.events.emit(taken)
