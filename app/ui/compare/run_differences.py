"""The difference of the two compared runs, which is computed in the background if they are long."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.evaluation.run_comparison import RunDifference, compare_runs
from app.ui.state.runs.run import Run
from app.ui.state.session import Session

_AT_ONCE = 1_000
"""Runs with more tokens than these after their parting are aligned in the background."""


class RunDifferences(QObject):
    """Computes the difference of two ended runs, once for each pair of texts."""

    changed = Signal()
    """A difference was computed in the background."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._of: tuple[Run, Run, int, int] | None = None
        self._found: RunDifference | None = None

    def of(self, first: Run, second: Run, common: int) -> RunDifference | None:
        """The difference of runs whose first ``common`` tokens are the same; None until known."""
        asked = first, second, len(first.tokens), len(second.tokens)
        if asked == self._of:
            return self._found
        self._of, self._found = asked, None
        one, other = list(first.tokens), list(second.tokens)
        if max(len(one), len(other)) - common <= _AT_ONCE:
            self._found = compare_runs(one, other, common)
            return self._found

        def done(found: RunDifference) -> None:
            if asked == self._of:
                self._found = found
                self.changed.emit()

        self._session.history.background.run(
            self, lambda: compare_runs(one, other, common), done, self._session.report
        )
        return None
