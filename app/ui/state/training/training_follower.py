"""Follows the process of a training on a thread of its own, and passes requests on to it."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event as Flag
from threading import Thread

from PySide6.QtCore import QObject, Signal

from app.training.messages.training_events import Event, Failed, Request
from app.training.process.training_folder import TrainingFolder
from app.training.process.training_process import TrainingProcess

_WAIT_SECONDS = 0.1
_PATIENCE_SECONDS = 10.0
"""How long a process that is to end when the window closes may go on with its step."""


class TrainingFollower(QObject):
    """Starts the process of a training and collects its events until the last one.

    Args:
        folder: The folder of the training.
    """

    came = Signal()
    """Events can be taken."""

    def __init__(self, folder: TrainingFolder, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._events: deque[Event] = deque()
        self._requests: SimpleQueue[Request] = SimpleQueue()
        self._closed = Flag()
        self._thread = Thread(target=self._work, name="training")

    def start(self) -> None:
        """Start the thread, and on it the process."""
        self._thread.start()

    def ask(self, request: Request) -> None:
        """Pass a request on to the process."""
        self._requests.put(request)

    def take(self) -> list[Event]:
        """The events since the last call."""
        found = []
        with suppress(IndexError):
            while True:
                found.append(self._events.popleft())
        return found

    def close(self) -> None:
        """End the process after its step, so that the training can go on another time."""
        self._requests.put(Request.ABANDON)
        self._closed.set()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread to end; whether it has ended."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            process = TrainingProcess(self._folder)
        except OSError as error:
            self._tell(Failed("The process of the training cannot be started", str(error)))
            return
        try:
            self._follow(process)
        finally:
            process.close()

    def _follow(self, process: TrainingProcess) -> None:
        end = float("inf")
        while not process.has_ended and time.monotonic() < end:
            self._pass_on(process)
            if self._closed.is_set():
                end = min(end, time.monotonic() + _PATIENCE_SECONDS)
            for event in process.events(_WAIT_SECONDS):
                self._tell(event)
                self._pass_on(process)

    def _pass_on(self, process: TrainingProcess) -> None:
        send = {
            Request.PAUSE: process.pause,
            Request.GO_ON: process.go_on,
            Request.STOP: process.stop,
            Request.ABANDON: process.abandon,
        }
        with suppress(Empty):
            while True:
                send[self._requests.get_nowait()]()

    def _tell(self, event: Event) -> None:
        self._events.append(event)
        if not self._closed.is_set():
            self.came.emit()
