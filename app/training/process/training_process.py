"""A training in a process of its own, as the program sees it. Imports no torch."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.context import SpawnProcess
from pathlib import Path

from app.training.data.training_files import LOG
from app.training.messages.training_events import (
    GOES_ON,
    LAST,
    Event,
    Failed,
    HeldOutLoss,
    Request,
    Sample,
    Step,
    decode_event,
)
from app.training.process.training_child import work
from app.training.process.training_folder import TrainingFolder

_SECONDS_TO_END = 10.0
_MOST_SHOWN = 300


class TrainingProcess:
    """Trains what a folder says, in another process; after a kill, a new one goes on.

    It is a daemon process: a program that exits ends it at once. After a kill of the program it
    ends itself at its next step. Either way, a new one goes on from the last checkpoint.

    Args:
        folder: The folder, which :meth:`TrainingFolder.begin` has written.
    """

    def __init__(self, folder: TrainingFolder) -> None:
        self._folder = folder
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe(duplex=True)
        self._process: SpawnProcess = context.Process(
            target=work, args=(folder.path, theirs), daemon=True
        )
        self._process.start()
        theirs.close()
        self._ended = False

    @property
    def process_id(self) -> int | None:
        """The id of the process."""
        return self._process.pid

    def events(self, timeout: float = 0.0) -> Iterator[Event]:
        """The events that are there now; none after one of ``LAST``.

        Args:
            timeout: How many seconds to wait for the first one.
        """
        while not self._ended:
            try:
                if not self._connection.poll(timeout):
                    return
                event = decode_event(self._connection.recv_bytes())
                if isinstance(event, (Step, HeldOutLoss, Sample)):
                    self._folder.note(event)
            except (EOFError, OSError):
                event = self._failure()
            timeout = 0.0
            self._ended = isinstance(event, LAST)
            yield event

    @property
    def has_ended(self) -> bool:
        """Whether the last event was read."""
        return self._ended

    def pause(self) -> None:
        """Wait after the step, holding the memory."""
        self._send(Request.PAUSE)

    def go_on(self) -> None:
        """End a pause."""
        self._send(Request.GO_ON)

    def stop(self) -> None:
        """End the training after the step, keep the best weights, and judge them."""
        self._send(Request.STOP)

    def abandon(self) -> None:
        """End the process after the step; the training goes on when it is started again."""
        self._send(Request.ABANDON)

    def close(self) -> None:
        """End the process now, if it has not ended."""
        if self._ended:
            self._process.join(_SECONDS_TO_END)
        self._process.kill()
        self._process.join()
        self._process.close()
        self._connection.close()

    def _send(self, request: Request) -> None:
        with suppress(OSError):  # it has ended, which its last event says
            self._connection.send_bytes(request.encode())

    def _failure(self) -> Failed:
        """The event for a process that ended without its last event."""
        self._process.join(_SECONDS_TO_END)
        status = self._process.exitcode
        if status is None:  # it hangs at its end, and nobody hears of it any more
            self._process.kill()
        if hasattr(signal, "SIGKILL") and status == -signal.SIGKILL:
            return Failed(
                "The process of the training was ended from outside",
                "by the system, which does so when memory runs out, or by a person",
                f"Close other programs. {GOES_ON}",
            )
        return Failed(
            "The process of the training ended by itself",
            f"{_end_of(status)}{_last_line(self._folder.path / LOG)}",
            f"{GOES_ON} If it ends so again, please report it with {self._folder.path / LOG}",
        )


def _end_of(status: int | None) -> str:
    """How a process ended, by its exit status; None if it had to be killed."""
    if status is None:
        return f"it reported nothing and did not exit within {_SECONDS_TO_END:.0f} s"
    if status >= 0:
        return f"its exit status is {status}"
    try:
        return f"by the signal {signal.Signals(-status).name}"
    except ValueError:
        return f"by the signal {-status}"


def _last_line(log: Path) -> str:
    """The last line of the log as a part of a sentence; empty if there is none."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return ""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f"; the last line of its log: {last[:_MOST_SHOWN]}" if last else ""
