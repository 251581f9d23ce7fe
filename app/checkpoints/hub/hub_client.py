"""Set-up of huggingface_hub for downloads with progress and Cancel.

Downloads use plain HTTP in small pieces: the library's Xet client transfers bytes in its own
runtime, where a download can neither be stopped nor observed piece by piece. Every request runs
under the :class:`Guard` of its thread, which can stop the request at once and limits retries
without a network; on its own the library retries for minutes. Its telemetry is off.
"""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import suppress
from functools import cache
from types import TracebackType
from typing import Any, Self

from app.errors import Cancelled

SECONDS_TO_ANSWER = 10.0
_BYTES_AT_A_TIME = 256 * 1024
_guards = threading.local()


class NoAnswerError(ConnectionError):
    """The guard's limit of consecutive unanswered requests was reached."""


class Guard:
    """Context manager that limits the requests of one thread; any thread may call :meth:`stop`.

    Args:
        patience: The number of consecutive requests that may stay unanswered.
    """

    def __init__(self, patience: int = 1) -> None:
        self._patience = patience
        self._unanswered = 0
        self._stopped = False
        self._connection: socket.socket | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        _guards.current = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _guards.current = None
        with self._lock:
            self._connection = None

    def stop(self) -> None:
        """Raise :class:`Cancelled` in the guarded thread at once, even while it waits for bytes."""
        with self._lock:
            self._stopped = True
            self._shut()

    def check(self) -> None:
        """Raise :class:`Cancelled` if the guard was stopped."""
        if self._stopped:
            raise Cancelled

    def asking(self) -> None:
        """Hook called before each request."""
        self.check()
        if self._unanswered >= self._patience:
            raise NoAnswerError("no answer")
        self._unanswered += 1

    def answered(self, response: Any) -> None:
        """Hook called after the headers of each answer, before its body."""
        stream = response.extensions.get("network_stream")
        with self._lock:
            self._unanswered = 0
            self._connection = stream.get_extra_info("socket") if stream else None
            if self._stopped:
                self._shut()

    def _shut(self) -> None:
        """Shut the connection down; closing it would not wake the thread that reads from it."""
        if self._connection is None:
            return
        with suppress(OSError):  # it may have ended already
            # Of the plain socket: the method of a TLS socket changes what the other thread uses.
            socket.socket.shutdown(self._connection, socket.SHUT_RDWR)


@cache
def prepare() -> None:
    """Configure the library. Call once, before its first request."""
    from huggingface_hub import constants, set_client_factory
    from huggingface_hub.utils.logging import set_verbosity

    constants.HF_HUB_DISABLE_TELEMETRY = True
    constants.HF_HUB_DISABLE_XET = True
    constants.DOWNLOAD_CHUNK_SIZE = _BYTES_AT_A_TIME
    set_verbosity(logging.CRITICAL)  # what matters is raised
    set_client_factory(_client)


def _client() -> Any:
    from huggingface_hub.utils._http import default_client_factory

    client = default_client_factory()
    client.timeout = SECONDS_TO_ANSWER  # not every call of the library names one
    hooks = client.event_hooks
    client.event_hooks = {
        "request": [*hooks["request"], _before],
        "response": [*hooks["response"], _after],
    }
    return client


def _before(request: Any) -> None:
    guard: Guard | None = getattr(_guards, "current", None)
    if guard is not None:
        guard.asking()


def _after(response: Any) -> None:
    guard: Guard | None = getattr(_guards, "current", None)
    if guard is not None:
        guard.answered(response)
