"""Selection of a token and of a range of tokens, with found and marked tokens, for all views."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QPoint, Signal

from app.attribution.explained_token import ExplainedToken
from app.ui.state.runs.bookmarks import Bookmarks
from app.ui.state.runs.found_tokens import FoundTokens
from app.ui.state.runs.run import Run


class Selection(QObject):
    """Selected token and selected range of the shown run.

    Args:
        run: Returns the shown run.
    """

    changed = Signal()
    """``token`` changed."""
    range_changed = Signal()
    """``range`` changed."""
    alpha_tried = Signal(int, float)
    """Another α of a pair is tried at the selected token."""
    menu_requested = Signal(QPoint, list)
    """A view asks for the menu of the selected token: the place on the screen, and the actions of
    the view itself, which follow those of the token."""

    def __init__(self, run: Callable[[], Run | None], parent: QObject) -> None:
        super().__init__(parent)
        self._run = run
        self.token: int | None = None
        self.range: tuple[int, int] | None = None
        """Half-open range of indices, or None."""
        self.found = FoundTokens(run, self)
        self.bookmarks = Bookmarks(run, self)

    def _tokens(self) -> Sequence[ExplainedToken]:
        run = self._run()
        return run.tokens if run else ()

    def clear(self) -> None:
        """Select nothing."""
        self.keep(0)

    def keep(self, count: int) -> None:
        """Clear the selection unless it lies within the first ``count`` tokens."""
        if self.range and self.range[1] > count:
            self.select_range(None)
        if self.token is not None and self.token >= count:
            self.select(None)

    def select(self, index: int | None) -> None:
        """Select a token; the index is clamped to the run."""
        count = len(self._tokens())
        if index is not None:
            index = min(max(index, 0), count - 1) if count else None
        if index != self.token:
            self.token = index
            self.changed.emit()

    def try_alpha(self, pair: int, alpha: float) -> None:
        """Show the selected token as it would have been with another α of a pair."""
        self.alpha_tried.emit(pair, alpha)

    def point_at(self, index: int) -> None:
        """Select a token for a menu; a range that contains it stays selected."""
        if self.range and not self.range[0] <= index < self.range[1]:
            self.select_range(None)
        self.select(index)

    def select_range(self, chosen: tuple[int, int] | None) -> None:
        """Select a half-open range of tokens, or None for no range."""
        if chosen is not None:
            first, end = max(chosen[0], 0), min(chosen[1], len(self._tokens()))
            chosen = (first, end) if first < end else None
        if chosen != self.range:
            self.range = chosen
            self.range_changed.emit()

    def extend(self, by: int) -> None:
        """Move the end of the range by ``by`` tokens; starts a range at the selected token."""
        count = len(self._tokens())
        if not count:
            return
        if self.token is None:
            self.move(by)
        else:
            self.extend_to(self.token + by)

    def extend_to(self, index: int) -> None:
        """Move the end of the range to token ``index`` and select that token."""
        start = self.token if self.token is not None else index
        if self.range is not None and start in (self.range[0], self.range[1] - 1):
            # The selected token is the moving end; the range starts at its other end.
            start = self.range[0] + self.range[1] - 1 - start
        self.select(index)
        if self.token is not None:
            self.select_range((min(start, self.token), max(start, self.token) + 1))

    def move(self, by: int) -> None:
        """Select the token ``by`` positions further; without a selection, the first or last."""
        count = len(self._tokens())
        if count:
            start = (-1 if by > 0 else count) if self.token is None else self.token
            self.select(start + by)

    def move_to_flip(self, direction: int) -> None:
        """Select the next (1) or previous (−1) flip."""
        flips = [token.index for token in self._tokens() if token.attribution.flipped]
        if direction < 0:
            flips.reverse()
        at = self.token
        beyond = (i for i in flips if at is None or (i > at if direction > 0 else i < at))
        found = next(beyond, None)
        if found is not None:
            self.select(found)
