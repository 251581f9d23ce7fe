"""The one thread that owns models and device tensors, with a queue on each side."""

from __future__ import annotations

import logging
import threading
import traceback
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from app.engine.messages import Command, EngineFailed, Event, Lend, Load
from app.errors import unknown_error

if TYPE_CHECKING:
    from app.engine.engine import Engine

log = logging.getLogger(__name__)

OUTBOX_SIZE = 1024


class Outbox:
    """A bounded queue of events in one order, so that “finished” cannot overtake a token.

    Args:
        wake: Called on the writer's thread when an empty outbox gets its first event.
        size: A writer waits while so many events are unread.
    """

    def __init__(self, wake: Callable[[], None], size: int = OUTBOX_SIZE) -> None:
        self._wake = wake
        self._size = size
        self._events: deque[Event] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, event: Event) -> None:
        """Add an event; waits for room, and drops the event once the reader is gone."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._events) < self._size)
            if self._closed:
                return
            first = not self._events
            self._events.append(event)
        if first:
            self._wake()

    def drain(self, most: int) -> list[Event]:
        """Take up to ``most`` events without waiting."""
        with self._changed:
            taken = [self._events.popleft() for _ in range(min(most, len(self._events)))]
            if taken:
                self._changed.notify_all()
        return taken

    def close(self) -> None:
        """The reader is gone: nothing is kept and no writer waits."""
        with self._changed:
            self._closed = True
            self._events.clear()
            self._changed.notify_all()


class EngineThread:
    """Runs an :class:`~app.engine.engine.Engine` on a thread of its own.

    Torch is imported on that thread, so starting costs the caller nothing.

    Args:
        wake: Called on the engine's thread when there is something to drain.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self.outbox = Outbox(wake)
        self._commands: SimpleQueue[Command | None] = SimpleQueue()
        self._closing = threading.Event()
        self._pending: deque[Command] = deque()
        self._put_back: list[Command | None] = []  # taken by work that gave way, and not its own
        self._thread = threading.Thread(target=self._run, name="engine")

    def start(self) -> None:
        self._thread.start()

    def submit(self, command: Command) -> None:
        """Queue a command; its own cancellation and alphas act on it at any time."""
        self._pending.append(command)
        self._commands.put(command)

    def close(self) -> None:
        """Cancel everything and ask the thread to end; returns at once."""
        self._closing.set()
        for command in list(self._pending):
            command.cancellation.request()
        self._commands.put(None)
        self.outbox.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread to end; whether it has."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            from app.engine.engine import Engine  # imports torch: seconds
        except Exception as error:  # a broken installation can raise anything
            log.exception("the engine cannot start")
            self.outbox.put(EngineFailed(unknown_error(error), traceback.format_exc()))
            return
        if self._closing.is_set():
            return
        engine = Engine(self.outbox.put)
        engine.announce()
        while (command := self._next()) is not None:
            self._carry_out(engine, command)
        engine.unload()

    def _next(self) -> Command | None:
        return self._put_back.pop() if self._put_back else self._commands.get()

    def _carry_out(self, engine: Engine, command: Command) -> None:
        if not self._closing.is_set():
            engine.handle(command, lambda: self._carry_out_waiting(engine))
        self._pending.remove(command)

    def _carry_out_waiting(self, engine: Engine) -> None:
        """Carry out what waits, up to a command that needs the models for itself."""
        while not self._put_back:
            try:
                command = self._commands.get_nowait()
            except Empty:
                return
            if command is None or isinstance(command, Load | Lend):
                self._put_back.append(command)
            else:
                self._carry_out(engine, command)
