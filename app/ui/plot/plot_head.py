"""Head of the plot: the menu of its scale, and its legend."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QWidget

from app.ui.plot.plot_legend import PlotLegend
from app.ui.theme import SPACE

_MOST_ROWS = 2
"""Number of rows of the legend beside the menu; with more it is below."""


class PlotHead(QWidget):
    """Menu and legend beside each other; in narrow plots the legend is below the menu."""

    def __init__(self, scale: QWidget, legend: PlotLegend, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scale = scale
        self._legend = legend
        self._layout = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(SPACE)
        self._layout.addWidget(scale, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._layout.addWidget(legend, 1)

    def arrange(self, width: int, *, low: bool) -> None:
        """Arrange menu and legend for a width; in a low plot the legend has only one row."""
        self._legend.shorten_to(None)
        rows = self._legend.rows_at(width - self._scale.sizeHint().width() - SPACE)
        beside = rows <= (1 if low else _MOST_ROWS)
        direction = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        self._layout.setDirection(direction)
        self._layout.setSpacing(SPACE if beside else 0)
        if low and not beside:
            self._legend.shorten_to(width)
