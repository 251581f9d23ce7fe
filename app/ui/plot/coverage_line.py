"""Coverage in the plot: the share of the base's probability that is known, or compared exactly."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from app.attribution.row_statistics import Floats
from app.ui.plot.line_style import COVERAGE_LINE
from app.ui.plot.token_line import TokenLine
from app.ui.theme import Theme

_HEIGHT = 4
"""Height of a mark in pixels."""
_MOST_MARKS = 400
"""With more visible tokens, neighbours share a mark, shown if any of them has low coverage."""
_REACH = 100.0
"""Half the height of the bounding box: larger than every value of the plot."""


class CoverageLine:
    """Line of the coverage, with marks at the upper edge where the coverage is low.

    Args:
        item: The plot to which the line and the marks are added.
    """

    def __init__(self, item: pg.PlotItem) -> None:
        self.line = TokenLine()
        self.marks = ThinMarks()
        item.addItem(self.line)
        item.addItem(self.marks)

    def show(self, shown: bool) -> None:
        """Show or hide the line and its marks."""
        self.line.setVisible(shown)
        self.marks.setVisible(shown)

    def set_values(self, line: Floats, thin: NDArray[np.bool_]) -> None:
        """Draw the heights ``line``, [T], and marks where ``thin``, [T], is true."""
        self.line.set_values(line)
        self.marks.set_marks(thin)

    def set_theme(self, theme: Theme) -> None:
        """Draw in these colours."""
        self.line.set_style(COVERAGE_LINE, theme)
        self.marks.set_color(QColor(theme.danger))


class ThinMarks(pg.GraphicsObject):  # type: ignore[misc]
    """Graphics item that paints a mark above every token with low coverage."""

    def __init__(self) -> None:
        super().__init__()
        self._thin: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
        self._color = QColor()

    @property
    def count(self) -> int:
        """Number of marked tokens."""
        return int(self._thin.sum())

    def set_marks(self, thin: NDArray[np.bool_]) -> None:
        """Mark the tokens where ``thin`` is set, [T]."""
        self.prepareGeometryChange()
        self._thin = thin
        self.update()

    def set_color(self, color: QColor) -> None:
        """Paint the marks in this colour."""
        self._color = color
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 — Qt's name
        return QRectF(-1, -_REACH, len(self._thin) + 1, 2 * _REACH)

    def paint(self, painter: QPainter, *_: object) -> None:
        view = self.viewRect()
        size = max(-(-int(view.width()) // _MOST_MARKS), 1)
        first = max(int(view.left()), 0) // size * size
        visible = self._thin[first : int(view.right()) + 1 + size]
        if not visible.any():
            return
        starts = np.arange(0, len(visible), size)
        marked = starts[np.logical_or.reduceat(visible, starts)] + first
        height = _HEIGHT * self.pixelHeight()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._color)
        painter.drawRects(
            [QRectF(left - 0.5, view.bottom() - height, size, height) for left in marked.tolist()]
        )
