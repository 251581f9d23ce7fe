"""Bars of the plot: stacking of contributions at each token, and painting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from app.attribution.row_statistics import Floats
from app.ui.plot.columns import in_columns
from app.ui.theme import Theme

_WIDTH = 0.8
_PALE = 0.35
"""Opacity of the largest bars of a column of tokens, behind their mean."""


def stacked(shares: Floats) -> list[tuple[Floats, Floats]]:
    """For each column of ``shares``, [T, K], the (bottoms, heights), each [T], of its bars.

    Positive values are stacked upwards from 0, negative values downwards, in order.
    """
    up = np.zeros(len(shares))
    down = np.zeros(len(shares))
    bars = []
    for heights in shares.T:
        bars.append((np.where(heights >= 0, up, down), heights))
        up = up + np.maximum(heights, 0)
        down = down + np.minimum(heights, 0)
    return bars


def greatest(shares: Floats, size: int) -> NDArray[np.intp]:
    """Index of the token with the largest bars among every ``size`` neighbours; [⌈T / size⌉]."""
    moved = np.abs(shares).sum(axis=1)
    padded = np.concatenate([moved, np.full(-len(moved) % size, -1.0)])
    chosen = padded.reshape(-1, size).argmax(axis=1)
    return np.asarray(chosen + np.arange(len(chosen)) * size)


def bar_colors(theme: Theme, shown: Sequence[int], *, by_pair: bool) -> list[QColor]:
    """The colour of each column of bars: of the pairs ``shown``, or of an amount."""
    return [theme.pair_color(pair) for pair in shown] if by_pair else [QColor(theme.heat)]


class Bars(pg.GraphicsObject):  # type: ignore[misc]
    """Graphics item that paints only the visible bars, so that long runs cost no more.

    Where tokens are drawn together, solid bars show their mean, and pale ones behind them the token
    with the largest bars.
    """

    def __init__(self) -> None:
        super().__init__()
        self._shares: Floats = np.zeros((0, 0))
        self._colors: Sequence[QColor] = ()
        self._reach = 1.0
        self._size = 1

    def set_shares(self, shares: Floats, colors: Sequence[QColor]) -> None:
        """Draw ``shares``, [T, K].

        Args:
            colors: The colour of each of the K columns.
        """
        self.prepareGeometryChange()
        self._shares, self._colors = shares, colors
        self._reach = float(np.abs(shares).sum(axis=1).max(initial=1.0))
        self.informViewBoundsChanged()
        self.update()

    def set_size(self, size: int) -> None:
        """Draw every ``size`` tokens together."""
        if size != self._size:
            self._size = size
            self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 — Qt's name
        return QRectF(-1, -self._reach, len(self._shares) + 1, 2 * self._reach)

    def paint(self, painter: QPainter, *_: object) -> None:
        view, size = self.viewRect(), self._size
        # Columns start at multiples of their size, so that they do not depend on what is visible.
        first = max(int(view.left()), 0) // size * size
        last = min(int(view.right()) + 1 + size, len(self._shares))
        if last <= first:
            return
        shares = self._shares[first:last]
        middle = (size - 1) / 2 - _WIDTH * size / 2
        lefts: Floats = np.arange(first, last, size, dtype=np.float64) + middle
        painter.setPen(Qt.PenStyle.NoPen)
        if size > 1:
            painter.setOpacity(_PALE)
            self._paint_bars(painter, lefts, shares[greatest(shares, size)])
            painter.setOpacity(1)
            shares = in_columns(shares, size).mean
        self._paint_bars(painter, lefts, shares)

    def _paint_bars(self, painter: QPainter, lefts: Floats, shares: Floats) -> None:
        width = _WIDTH * self._size
        for (bottoms, heights), color in zip(stacked(shares), self._colors, strict=True):
            part = heights != 0
            painter.setBrush(color)
            painter.drawRects(
                [
                    QRectF(left, bottom, width, height).normalized()
                    for left, bottom, height in zip(
                        lefts[part].tolist(),
                        bottoms[part].tolist(),
                        heights[part].tolist(),
                        strict=True,
                    )
                ]
            )
