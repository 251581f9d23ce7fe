"""Marks of tokens in the plot: the selected token and range, found tokens and bookmarks."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from app.ui.plot.token_ticks import TokenTicks
from app.ui.state.runs.selection import Selection
from app.ui.theme import Theme
from app.ui.widgets.plot_pens import plot_pen

_SHADE = 0.22


class SelectionMarks:
    """A shaded area for the token, a lighter one with edges for the range, ticks for the others.

    Args:
        item: The plot to which the areas are added, behind everything else.
        selection: The selection, with found tokens and bookmarks.
    """

    def __init__(self, item: pg.PlotItem, selection: Selection) -> None:
        self.ticks = TokenTicks(item.getViewBox(), selection)
        self.range = pg.LinearRegionItem(movable=False)
        self.token = pg.LinearRegionItem(movable=False)
        for mark in (self.range, self.token):
            item.addItem(mark)
            mark.setVisible(False)
            mark.setZValue(-10)
            mark.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def show_token(self, token: int | None) -> None:
        """Shade a token, or nothing for None."""
        self.token.setVisible(token is not None)
        if token is not None:
            self.token.setRegion((token - 0.5, token + 0.5))

    def show_range(self, chosen: tuple[int, int] | None) -> None:
        """Shade the tokens of a half-open range of indices, or nothing for None."""
        self.range.setVisible(chosen is not None)
        if chosen is not None:
            self.range.setRegion((chosen[0] - 0.5, chosen[1] - 0.5))

    def set_theme(self, theme: Theme) -> None:
        """Draw in these colours."""
        self.ticks.set_theme(theme)
        shade = QColor(theme.accent)
        for mark, strength in ((self.range, _SHADE / 2), (self.token, _SHADE)):
            shade.setAlphaF(strength)
            mark.setBrush(shade)
            edge = plot_pen(theme.accent) if mark is self.range else QPen(Qt.PenStyle.NoPen)
            for line in mark.lines:
                line.setPen(edge)
