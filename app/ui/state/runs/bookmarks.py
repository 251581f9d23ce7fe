"""Bookmarks of the user at tokens of the shown run."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.ui.state.runs.run import Run


class Bookmarks(QObject):
    """Sets, removes and lists bookmarks, which are kept with the run, and in the history.

    Args:
        shown: Returns the shown run.
    """

    changed = Signal()
    """A bookmark was set or removed."""

    def __init__(self, shown: Callable[[], Run | None], parent: QObject) -> None:
        super().__init__(parent)
        self._shown = shown

    @property
    def tokens(self) -> list[int]:
        """The tokens of the shown run that have a bookmark, ascending."""
        run = self._shown()
        return sorted(run.bookmarks) if run else []

    def has(self, token: int) -> bool:
        """Whether a token of the shown run has a bookmark."""
        run = self._shown()
        return run is not None and token in run.bookmarks

    def toggle(self, token: int) -> None:
        """Set a bookmark at a token of the shown run, or remove it."""
        run = self._shown()
        if run and 0 <= token < len(run.tokens):
            run.bookmarks ^= {token}
            self.changed.emit()

    def beside(self, token: int | None, direction: int) -> int | None:
        """The next (1) or previous (−1) bookmark from a token on, round and round."""
        places = self.tokens
        if not places:
            return None
        if direction > 0:
            return next((at for at in places if token is None or at > token), places[0])
        return next((at for at in reversed(places) if token is None or at < token), places[-1])
