"""A plot that is only looked at."""

from __future__ import annotations

import math

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF


def still_plot() -> pg.PlotWidget:
    """A plot without a menu, buttons and keyboard focus, which the mouse does not move."""
    plot = pg.PlotWidget()
    plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    item = plot.getPlotItem()
    item.hideButtons()
    item.setMenuEnabled(False)
    item.setMouseEnabled(False, False)
    item.getViewBox().setDefaultPadding(0)
    # The number of a tick at the upper end of the axis is drawn half above it.
    above = math.ceil(QFontMetricsF(plot.font()).height() / 2)
    item.layout.setContentsMargins(0, above, 0, 0)
    for side in ("left", "bottom"):
        item.getAxis(side).enableAutoSIPrefix(False)
    return plot
