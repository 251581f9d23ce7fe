"""Exports of the window: one after another on a thread, with progress and cancellation."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.engine.controls import Cancellation
from app.errors import Cancelled, TuneshiftError
from app.ui.state.background import Background

_PAUSE_SECONDS = 5e-5
"""In which the window takes Python's lock; a token of a JSON file takes a millisecond and more."""


class Export:
    """An export that waits or is being written; the thread sets how far it is.

    Args:
        path: The file.

    Attributes:
        total: Number of tokens to be written; 0 while it is not known.
        done: How many of them are done.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.total = self.done = 0
        self.cancellation = Cancellation()

    def watch(self, done: int) -> None:
        """Note on the thread how many tokens are done, and let the window go on.

        Raises:
            Cancelled: The export was cancelled.
        """
        self.check()
        self.done = done
        time.sleep(_PAUSE_SECONDS)

    def check(self) -> None:
        """Stop here if the export was cancelled.

        Raises:
            Cancelled: It was.
        """
        if self.cancellation.requested():
            raise Cancelled


class Exports(QObject):
    """The exports that have not ended, in their order.

    Args:
        background: The thread.
    """

    changed = Signal()
    """An export was begun or has ended."""

    def __init__(self, background: Background, parent: QObject) -> None:
        super().__init__(parent)
        self._background = background
        self.active: list[Export] = []

    def begin(
        self,
        path: Path,
        write: Callable[[Export], None],
        done: Callable[[], None],
        failed: Callable[[TuneshiftError], None],
    ) -> None:
        """Queue an export.

        Args:
            path: The file.
            write: Writes it on the thread, and calls :meth:`Export.watch`.
            done: Called when it is written.
            failed: Called with an error; neither is called after cancelling.
        """
        export = Export(path)

        def work() -> bool:
            try:
                write(export)
            except Cancelled:
                return False
            return True

        def end(written: bool) -> None:
            self._end(export)
            if written:
                done()

        def fail(error: TuneshiftError) -> None:
            self._end(export)
            failed(error)

        self.active.append(export)
        self._background.run(self, work, end, fail)
        self.changed.emit()

    def cancel(self) -> None:
        """Cancel all exports: no file is changed by them."""
        for export in self.active:
            export.cancellation.request()

    def _end(self, export: Export) -> None:
        self.active.remove(export)
        self.changed.emit()
