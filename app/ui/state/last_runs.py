"""The runs of the last session, which are in the window again after the next start."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSettings

from app.ui.state.runs.run import Run
from app.ui.state.session import Session

_MOST = 40
"""Number of runs that are brought back: the last ones."""


class LastRuns(QObject):
    """Remembers the runs of the window by their ids in the history, and brings them back.

    They are read one by one, while the window can be used. Runs that were deleted from the history
    are left out.

    Args:
        session: The state of the window.
        store: Stores the ids between starts.
    """

    def __init__(self, session: Session, store: QSettings, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._store = store
        self._waiting: list[str] = []
        self._shown = ""
        self._reading = False

    def restore(self) -> None:
        """Begin to bring the runs back, unless the preferences say otherwise."""
        if self._session.settings.restore_texts:
            self._waiting = str(self._store.value("last runs", "")).split()
            self._shown = str(self._store.value("last shown run", ""))
            self._session.history.changed.connect(self._bring_next)
            self._bring_next()

    def _bring_next(self) -> None:
        """Begin to read the next run, once the history is open, which takes a moment."""
        if self._waiting and self._session.history.is_open and not self._reading:
            self._reading = True
            self._session.history.bring_back(self._waiting[0], self._take)

    def _take(self, run: Run | None) -> None:
        """Show a run that was read, if it was shown at the end, and read the next one."""
        self._reading = False
        run_id, runs = self._waiting.pop(0), self._session.runs
        if run and run_id == self._shown and runs.current is None:
            runs.show(run)
        self._bring_next()

    def remember(self) -> None:
        """Save which runs the window has, those that were not brought back yet included."""
        history, runs = self._session.history, self._session.runs
        ids = [history.id_of(run) for run in runs.all]
        kept = [*filter(None, ids), *self._waiting][-_MOST:]
        self._store.setValue("last runs", " ".join(kept))
        shown = history.id_of(runs.current) if runs.current else ""
        self._store.setValue("last shown run", shown)
