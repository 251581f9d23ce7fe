"""Small marks at the upper edge of the plot: found tokens, and tokens with a bookmark."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.ui.state.runs.selection import Selection
from app.ui.theme import Theme
from app.ui.widgets.bookmark_ribbon import bookmark_ribbon

_HEIGHT = 12.0
_TICK = 7.0
_WIDTH = 2.0
_RIBBON_WIDTH = 7.0


class TokenTicks(pg.GraphicsObject):  # type: ignore[misc]
    """A line for each found token and a ribbon for each bookmark, at most one for each pixel.

    Args:
        view: The drawing area, whose upper edge has the marks.
        selection: Tells which tokens were found, and which have a bookmark.
    """

    def __init__(self, view: pg.ViewBox, selection: Selection) -> None:
        super().__init__()
        self._view = view
        self._selection = selection
        self._color = QColor()
        self.setParentItem(view)
        self.setZValue(10)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        view.sigXRangeChanged.connect(self._on_changed)
        view.sigResized.connect(self._on_resized)
        selection.found.changed.connect(self._on_changed)
        selection.bookmarks.changed.connect(self._on_changed)

    def set_theme(self, theme: Theme) -> None:
        """Draw in these colours."""
        self._color = QColor(theme.accent)
        self.update()

    def _on_changed(self) -> None:
        self.update()

    def _on_resized(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 — Qt's name
        return QRectF(0, 0, self._view.width(), _HEIGHT)

    def paint(self, painter: QPainter, *_: object) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._color, _WIDTH))
        found = self.pixels(self._selection.found.tokens)
        painter.drawLines([QLineF(x, 1, x, _TICK) for x in found])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._color)
        for x in self.pixels(self._selection.bookmarks.tokens):
            area = QRectF(x - _RIBBON_WIDTH / 2, 0, _RIBBON_WIDTH, _HEIGHT)
            painter.drawPolygon(bookmark_ribbon(area))

    def pixels(self, tokens: Sequence[int]) -> list[float]:
        """Where the middles of the visible ones of ``tokens`` are, from the left edge."""
        (left, right), _ = self._view.viewRange()
        places = np.asarray(tokens, dtype=np.float64)
        places = places[(places >= left) & (places <= right)]
        pixels: list[float] = np.unique(
            np.round((places - left) * self._view.width() / (right - left))
        ).tolist()
        return pixels
