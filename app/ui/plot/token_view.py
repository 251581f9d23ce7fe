"""Drawing area of the plot: dragging pans, dragging with Shift selects a range of tokens."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal

WINDOW = 100
"""Number of visible tokens while the plot follows generation."""
_PAGE = WINDOW // 2
"""Number of tokens by which the view moves while tokens are added."""
_MARGIN = 2
"""Number of empty columns before the first and after the last token."""


class TokenView(pg.ViewBox):  # type: ignore[misc]
    """View that pans and zooms along the axis of tokens only."""

    range_dragged = Signal(float, float)
    """A selecting drag moved: its start and its current position on the axis of tokens."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.setMouseEnabled(x=True, y=False)
        self.selecting = False
        """Whether dragging selects even without Shift."""
        self._limit = 0
        self.setLimits(minXRange=8)

    def limit_to(self, count: int, *, more_follow: bool) -> None:
        """Keep the view near ``count`` tokens, and the columns of those that follow them."""
        limit = max(_pages(count) if more_follow else count, WINDOW)
        if limit != self._limit:
            self._limit = limit
            self.setLimits(xMin=-0.5 - _MARGIN, xMax=limit + _MARGIN)

    def show_newest(self, count: int, *, more_follow: bool) -> bool:
        """Show the newest of ``count`` tokens; whether the view has moved.

        While more tokens follow, the view moves by pages: with every move the axes are drawn again.
        """
        right = max(_pages(count) if more_follow else count, _PAGE)
        before = self.viewRange()[0]
        self.setXRange(max(right - WINDOW, 0) - 0.5, right - 0.5, padding=0.01)
        return bool(self.viewRange()[0] != before)

    def visible(self, count: int) -> tuple[int, int]:
        """The first and the end index of the visible ones of ``count`` tokens."""
        (left, right), _ = self.viewRange()
        return max(int(left), 0), max(min(int(right) + 2, count), 0)

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:  # noqa: N802
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.button() != Qt.MouseButton.LeftButton or not (shift or self.selecting):
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        start = self.mapToView(event.buttonDownPos()).x()
        self.range_dragged.emit(start, self.mapToView(event.pos()).x())


def _pages(count: int) -> int:
    """``count`` rounded up to whole pages."""
    return -(-count // _PAGE) * _PAGE
