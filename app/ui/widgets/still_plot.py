"""A plot that is only looked at."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import Qt


def still_plot() -> pg.PlotWidget:
    """A plot without a menu, buttons and keyboard focus, which the mouse does not move."""
    plot = pg.PlotWidget()
    plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    item = plot.getPlotItem()
    item.hideButtons()
    item.setMenuEnabled(False)
    item.setMouseEnabled(False, False)
    item.getViewBox().setDefaultPadding(0)
    for side in ("left", "bottom"):
        item.getAxis(side).enableAutoSIPrefix(False)
    return plot
