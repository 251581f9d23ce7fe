"""Several runs of one prompt with new seeds, one after another."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from app.decoding.types import FinishReason
from app.ui.state.runs.run import Run
from app.ui.state.runs.runs import Runs


class Variants(QObject):
    """Starts the next run when the one before has ended by itself; a run that is stopped ends all.

    Args:
        runs: The runs of the window.

    Attributes:
        made: The runs so far.
        waiting: Number of runs that are still to be started.
    """

    changed = Signal()
    """``made`` or ``waiting`` changed."""

    def __init__(self, runs: Runs, parent: QObject) -> None:
        super().__init__(parent)
        self._runs = runs
        self._again: Callable[[], object] = lambda: None
        self.made: list[Run] = []
        self.waiting = 0
        runs.generation.ended.connect(self._on_ended)

    def start(
        self, count: int, first: Callable[[], object], again: Callable[[], object] | None = None
    ) -> None:
        """Make ``count`` runs; does nothing while a run is active.

        Args:
            count: Number of runs.
            first: Starts the first run.
            again: Starts each of the others; by default the same as ``first``.
        """
        if not self._runs.running:
            self.made, self.waiting = [], count
            self._again = again or first
            self._begin(first)

    def _begin(self, start: Callable[[], object]) -> None:
        before = self._runs.current
        start()
        run = self._runs.current
        if run is None or run is before:
            self.waiting = 0  # it could not be started, and the window says why
        else:
            self.made.append(run)
            self.waiting -= 1
        self.changed.emit()

    def _on_ended(self) -> None:
        if not self.waiting or not self.made or self.made[-1].active:
            return
        if self.made[-1].failed or self.made[-1].finish_reason is FinishReason.CANCELLED:
            self.waiting = 0
            self.changed.emit()
        else:
            QTimer.singleShot(0, self, self._begin_next)  # the run before is complete then

    def _begin_next(self) -> None:
        if self.waiting and not self._runs.running:
            self._begin(self._again)
