"""Line of the plot with a value at every token, and a band where tokens are drawn together."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.attribution.row_statistics import Floats
from app.ui.plot.columns import Columns, in_columns
from app.ui.plot.line_style import LineStyle
from app.ui.theme import Theme

_BAND = 0.14
"""Opacity of the band."""


class TokenLine(pg.GraphicsObject):  # type: ignore[misc]
    """Line through the values of all tokens, or through the means of columns.

    With columns, a band shows from the lowest to the highest value of each, unless it says nothing.
    Only the visible part is painted and nothing is prepared for the rest, so that following a run
    and panning a long one cost little.
    """

    def __init__(self) -> None:
        super().__init__()
        self.values: Floats = np.zeros(0)
        """The value of each token, [T]."""
        self.pen = QPen()
        self._band = QColor()
        self._size = 1
        self._columns: Columns | None = None
        self._area = QRectF()

    @property
    def drawn(self) -> Floats:
        """The heights of the corners of the line: of each token, or of each column."""
        return self.values if self._size == 1 else self._in_columns().mean

    def set_values(self, values: Floats) -> None:
        """Draw these values, [T]."""
        known = values[np.isfinite(values)]
        low, high = known.min(initial=0.0), known.max(initial=1.0)
        area = QRectF(-1, low, len(values) + 1, high - low)
        if area != self._area:
            self.prepareGeometryChange()
            self._area = area
        self.values, self._columns = values, None
        self.update()

    def set_size(self, size: int) -> None:
        """Draw every ``size`` tokens together."""
        if size != self._size:
            self._size, self._columns = size, None
            self.update()

    def set_style(self, style: LineStyle, theme: Theme) -> None:
        """Draw in this style."""
        self.pen = style.pen(theme)
        self._band = QColor(getattr(theme, style.color))
        self._band.setAlphaF(_BAND)
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 — Qt's name
        return self._area

    def paint(self, painter: QPainter, *_: object) -> None:
        view = self.viewRect()
        # One corner beyond each edge, so that the line reaches it.
        first = max(int(view.left()) // self._size - 1, 0)
        end = max(int(view.right()) // self._size + 3, 0)
        if self._size == 1:
            values = self.values[first:end]
            places: Floats = np.arange(first, first + len(values), dtype=np.float64)
        else:
            columns = self._in_columns()
            values, places = columns.mean[first:end], columns.places[first:end]
            if columns.tell_apart:
                self._paint_band(painter, places, columns.low[first:end], columns.high[first:end])
        painter.setPen(self.pen)
        turns = _turns(values)
        painter.drawPolyline(_corners(places[turns], values[turns]))

    def _paint_band(self, painter: QPainter, places: Floats, low: Floats, high: Floats) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._band)
        painter.drawPolygon([*_corners(places, low), *reversed(_corners(places, high))])
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _in_columns(self) -> Columns:
        if self._columns is None:
            self._columns = in_columns(self.values, self._size)
        return self._columns


def _turns(values: Floats) -> NDArray[np.bool_]:
    """Which values differ from one beside them, and the ends: the line is level at all others."""
    turns = np.ones(len(values), np.bool_)
    level = values[1:] == values[:-1]
    turns[1:-1] = ~(level[1:] & level[:-1])
    return turns


def _corners(places: Floats, values: Floats) -> list[QPointF]:
    """The points at these places; none where the value is not a finite number."""
    known = np.isfinite(values)
    return list(map(QPointF, places[known].tolist(), values[known].tolist()))
