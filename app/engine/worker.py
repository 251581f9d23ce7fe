"""The engine's thread, which alone uses models and device tensors, and its queues."""

from __future__ import annotations

import logging
import threading
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from app.engine.commands import BorrowModels, Command, Load, Unload
from app.engine.controls import DEFAULT_PREFIX_BYTES
from app.engine.events import EngineFailed, Event, row_bytes
from app.engine.frame_pause import FramePause
from app.errors import kind_and_places, unknown_error

if TYPE_CHECKING:
    from app.engine.engine import Engine

log = logging.getLogger(__name__)

OUTBOX_SIZE = 1024
OUTBOX_BYTES = 128 * 2**20


class Outbox:
    """A bounded queue of events in one order, so that “finished” cannot overtake a token.

    Args:
        wake: Called on the writing thread when an event enters an empty outbox.
        size: Maximum number of unread events; further writers wait.
        most_bytes: Maximum bytes of rows in unread events; one event may exceed it alone.
        pause: Taken after an event that enters, if its reader asked; the reader is then not woken.
    """

    def __init__(
        self,
        wake: Callable[[], None],
        size: int = OUTBOX_SIZE,
        most_bytes: int = OUTBOX_BYTES,
        pause: FramePause | None = None,
    ) -> None:
        self._wake = wake
        self._size = size
        self._most_bytes = most_bytes
        self._pause = pause
        self._bytes = 0
        self._events: deque[Event] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, event: Event) -> None:
        """Add an event; wait while the outbox is full, and drop the event once it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has_room(event))
            if self._closed:
                return
            first = not self._events
            self._events.append(event)
            self._bytes += row_bytes(event)
        paused = self._pause is not None and self._pause.take()
        if first and not paused:
            self._wake()

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be read."""
        return not self._events

    def drain(self, most: int) -> list[Event]:
        """Take up to ``most`` events without waiting."""
        with self._changed:
            taken = [self._events.popleft() for _ in range(min(most, len(self._events)))]
            self._bytes -= sum(map(row_bytes, taken))
            if taken:
                self._changed.notify_all()
        return taken

    def close(self) -> None:
        """Discard all events, now and later, and release waiting writers."""
        with self._changed:
            self._closed = True
            self._events.clear()
            self._bytes = 0
            self._changed.notify_all()

    def _has_room(self, event: Event) -> bool:
        if not self._events:
            return True
        fits = self._bytes + row_bytes(event) <= self._most_bytes
        return fits and len(self._events) < self._size


@dataclass(frozen=True, slots=True, eq=False)
class _QueuedCommand:
    """A command and the outbox of its events; None is the owner's outbox."""

    command: Command
    outbox: Outbox | None


class EngineClient:
    """A connection to an engine that others use too: submits commands, receives their events.

    Commands of all clients wait in one queue, in order of submission. Each client numbers its own.
    """

    def __init__(self, thread: EngineThread, outbox: Outbox) -> None:
        self._thread = thread
        self.outbox = outbox

    def submit(self, command: Command) -> None:
        """Queue a command; may be called from any thread."""
        self._thread.submit(command, self.outbox)

    def close(self) -> None:
        """Cancel the commands of this client."""
        self._thread.disconnect(self.outbox)


class EngineThread:
    """Runs an :class:`~app.engine.engine.Engine` on a thread of its own.

    Torch is imported on that thread, so starting costs the caller nothing.

    Args:
        wake: Called on the engine's thread when the outbox has events again.
        prefix_bytes: Memory for keys and values of earlier texts.
        pause: Taken between two events of the owner's outbox.

    Attributes:
        prefix_bytes: The same; may be set from any thread, and is read before each run.
    """

    def __init__(
        self,
        wake: Callable[[], None],
        prefix_bytes: int = DEFAULT_PREFIX_BYTES,
        pause: FramePause | None = None,
    ) -> None:
        self.outbox = Outbox(wake, pause=pause)
        self.prefix_bytes = prefix_bytes
        self._others: list[Outbox] = []
        self._current_outbox: Outbox | None = None
        self._failed: EngineFailed | None = None
        # Guards the outboxes, and the failure that each of them gets.
        self._changing = threading.Lock()
        self._commands: SimpleQueue[_QueuedCommand | None] = SimpleQueue()
        self._closing = threading.Event()
        self._pending: deque[_QueuedCommand] = deque()
        # Taken from the queue during a job, to run after it.
        self._deferred: list[_QueuedCommand | None] = []
        self._thread = threading.Thread(target=self._run, name="engine")

    @property
    def is_idle(self) -> bool:
        """Whether no command is carried out or waits."""
        return not self._pending

    def start(self) -> None:
        self._thread.start()

    def submit(self, command: Command, outbox: Outbox | None = None) -> None:
        """Queue a command; its own cancellation and alphas act on it at any time.

        Args:
            command: What to do.
            outbox: Where its events go: that of a :class:`EngineClient`, or by default the owner's.
        """
        queued = _QueuedCommand(command, outbox)
        self._pending.append(queued)
        self._commands.put(queued)

    def new_client(self, wake: Callable[[], None]) -> EngineClient:
        """Connect another client; can be called from any thread at any time.

        Args:
            wake: Called on the engine's thread when there is something to drain.
        """
        outbox = Outbox(wake)
        with self._changing:
            self._others.append(outbox)
            failed = self._failed
        if failed:
            outbox.put(failed)
        if self._closing.is_set():
            outbox.close()
        return EngineClient(self, outbox)

    def disconnect(self, outbox: Outbox) -> None:
        """Cancel the commands of a client and discard its events."""
        with self._changing:
            self._others = [other for other in self._others if other is not outbox]
        outbox.close()
        for queued in list(self._pending):
            if queued.outbox is outbox:
                queued.command.cancellation.request()

    def close(self) -> None:
        """Cancel everything and ask the thread to end; returns at once."""
        self._closing.set()
        for queued in list(self._pending):
            queued.command.cancellation.request()
        self._commands.put(None)
        with self._changing:
            outboxes = [self.outbox, *self._others]
        for outbox in outboxes:
            outbox.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread to end; whether it has."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            from app.engine.engine import Engine  # imports torch: seconds

            if self._closing.is_set():
                return
            engine = Engine(self._emit, lambda: self.prefix_bytes)
            engine.announce()
        except Exception as error:  # a broken installation, or driver, can raise anything
            log.error("the engine cannot start\n%s", kind_and_places(error))
            self._fail(EngineFailed(unknown_error(error), traceback.format_exc()))
            return
        while (queued := self._next()) is not None:
            self._execute(engine, queued)
        engine.unload()

    def _fail(self, failed: EngineFailed) -> None:
        with self._changing:
            self._failed = failed
            outboxes = [self.outbox, *self._others]
        for outbox in outboxes:
            outbox.put(failed)

    def _emit(self, event: Event) -> None:
        (self._current_outbox or self.outbox).put(event)

    def _next(self) -> _QueuedCommand | None:
        return self._deferred.pop() if self._deferred else self._commands.get()

    def _execute(self, engine: Engine, queued: _QueuedCommand, *, in_job: bool = False) -> None:
        if not self._closing.is_set() and engine.runs_side_by_side(queued.command):
            self._decode_side_by_side(engine, queued, in_job=in_job)
            return
        before, self._current_outbox = self._current_outbox, queued.outbox
        if not self._closing.is_set():
            engine.handle(
                queued.command, lambda: self._execute_waiting(engine, self._execute_in_job)
            )
        self._current_outbox = before
        self._pending.remove(queued)

    def _execute_in_job(self, engine: Engine, queued: _QueuedCommand) -> None:
        self._execute(engine, queued, in_job=True)

    def _decode_side_by_side(self, engine: Engine, first: _QueuedCommand, *, in_job: bool) -> None:
        """Decode runs side by side until all have ended; other runs may join between two steps.

        Other commands are carried out between two steps, except loads and jobs, which wait: no run
        joins any more once one does. During a job only the runs that wait at the beginning join, so
        that the job goes on.
        """
        runs = engine.parallel_runs()

        def execute(engine: Engine, queued: _QueuedCommand) -> None:
            command = queued.command
            if engine.runs_side_by_side(command):
                outbox = queued.outbox or self.outbox
                runs.add(command, outbox.put, lambda: self._pending.remove(queued))
            else:
                runs.park()
                self._execute(engine, queued)

        execute(engine, first)
        self._execute_waiting(engine, execute)
        while runs.busy:
            runs.step()
            if not in_job:
                self._execute_waiting(engine, execute)

    def _execute_waiting(
        self, engine: Engine, execute: Callable[[Engine, _QueuedCommand], None]
    ) -> None:
        """Take the waiting commands, up to the first load, unload or job."""
        while not self._deferred:
            try:
                queued = self._commands.get_nowait()
            except Empty:
                return
            if queued is None or isinstance(queued.command, Load | Unload | BorrowModels):
                self._deferred.append(queued)
            else:
                execute(engine, queued)
