"""Drawing area of the plot: dragging pans, dragging with Shift selects a range of tokens."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal


class TokenView(pg.ViewBox):  # type: ignore[misc]
    """View that pans and zooms along the axis of tokens only."""

    range_dragged = Signal(float, float)
    """A selecting drag moved: its start and its current position on the axis of tokens."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.setMouseEnabled(x=True, y=False)
        self.selecting = False
        """Whether dragging selects even without Shift."""

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:  # noqa: N802
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.button() != Qt.MouseButton.LeftButton or not (shift or self.selecting):
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        start = self.mapToView(event.buttonDownPos()).x()
        self.range_dragged.emit(start, self.mapToView(event.pos()).x())
