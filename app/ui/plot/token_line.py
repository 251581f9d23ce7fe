"""Line of the plot with a value at every token, and a band where tokens are drawn together."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGraphicsItem

from app.attribution.row_statistics import Floats
from app.ui.plot.columns import in_columns
from app.ui.plot.line_style import LineStyle
from app.ui.theme import Theme

_BAND = 0.14
"""Opacity of the band."""


class TokenLine(pg.PlotDataItem):  # type: ignore[misc]
    """Line through the values of all tokens, or through the means of columns.

    With columns, a band shows from the lowest to the highest value of each, unless it says nothing.
    Only the visible part is drawn, so that panning a long run stays smooth.
    """

    def __init__(self) -> None:
        super().__init__(connect="all")
        self.setClipToView(True)
        self.values: Floats = np.zeros(0)
        """The value of each token, [T]."""
        self._size = 1
        self._edges = pg.PlotCurveItem(), pg.PlotCurveItem()
        self.band = pg.FillBetweenItem(*self._edges)
        self.band.setParentItem(self)
        self.band.setFlag(QGraphicsItem.GraphicsItemFlag.ItemStacksBehindParent)
        self.band.setVisible(False)

    def set_values(self, values: Floats) -> None:
        """Draw these values, [T]."""
        self.values = values
        self._draw()

    def set_size(self, size: int) -> None:
        """Draw every ``size`` tokens together."""
        if size != self._size:
            self._size = size
            self._draw()

    def set_style(self, style: LineStyle, theme: Theme) -> None:
        """Draw in this style."""
        self.setPen(style.pen(theme))
        color = QColor(getattr(theme, style.color))
        color.setAlphaF(_BAND)
        self.band.setBrush(color)

    def _draw(self) -> None:
        if self._size == 1:
            self.band.setVisible(False)
            self.setData(np.arange(len(self.values)), self.values)
            return
        columns = in_columns(self.values, self._size)
        self.setData(columns.places, columns.mean)
        self.band.setVisible(columns.tell_apart)
        if columns.tell_apart:
            for edge, values in zip(self._edges, (columns.low, columns.high), strict=True):
                edge.setData(columns.places, values)
