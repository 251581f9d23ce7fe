"""Tokens that the search found, for the views that mark them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QObject, Signal

from app.ui.state.runs.run import Run


class FoundTokens(QObject):
    """Indices of the tokens that the search in the text found, of each run that was searched.

    Args:
        shown: Returns the shown run.
    """

    changed = Signal()
    """The found tokens changed."""

    def __init__(self, shown: Callable[[], Run | None], parent: QObject) -> None:
        super().__init__(parent)
        self._shown = shown
        self._found: dict[int, Sequence[int]] = {}

    def show(self, found: Mapping[int, Sequence[int]]) -> None:
        """Set the found tokens: ascending indices by the id of each run."""
        if found or self._found:
            self._found = dict(found)
            self.changed.emit()

    @property
    def tokens(self) -> Sequence[int]:
        """The found tokens of the shown run, ascending."""
        run = self._shown()
        return self._found.get(run.id, ()) if run else ()
