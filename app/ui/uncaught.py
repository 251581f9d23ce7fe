"""Handler of uncaught exceptions: shows them in the window and writes them to the log."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import traceback
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from app.errors import kind_and_places, unknown_error
from app.ui.state.session import Session

log = logging.getLogger(__name__)


class UncaughtExceptions(QObject):
    """Context manager that reports uncaught exceptions of any thread or coroutine as problems.

    Without it, they would be printed to a terminal that the user may not have. The threads of the
    engine and of downloads report their own errors; this is for unexpected ones.
    """

    _raised = Signal(object)
    """An exception was raised; emitted on its thread, received on the window's thread."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._raised.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def __enter__(self) -> UncaughtExceptions:
        self._before = sys.excepthook, threading.excepthook
        sys.excepthook = lambda kind, error, trace: self._report(error)
        threading.excepthook = lambda met: self._report(met.exc_value)
        return self

    def __exit__(self, *_: object) -> None:
        sys.excepthook, threading.excepthook = self._before

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Report uncaught exceptions of the coroutines of ``loop`` too."""
        loop.set_exception_handler(lambda _, context: self._on_loop(context))

    def _on_loop(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self._report(error if error else RuntimeError(str(context.get("message"))))

    def _report(self, error: BaseException | None) -> None:
        if error is None or isinstance(error, SystemExit):
            return
        log.error("uncaught exception\n%s", kind_and_places(error))
        self._raised.emit(error)

    def _show(self, error: BaseException) -> None:
        self._session.report(unknown_error(error), "".join(traceback.format_exception(error)))
