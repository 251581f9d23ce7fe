"""Head of the plot: the menus of its measures, and its legend."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QWidget

from app.ui.plot.measure_menu import MeasureMenu
from app.ui.plot.measure_words import measure_about, measure_name
from app.ui.plot.plot_legend import PlotLegend
from app.ui.state.display import Display
from app.ui.text.tint_menus import MenuButton
from app.ui.theme import SPACE

_MOST_ROWS = 2
"""Number of rows of the legend beside the menus; with more it is below."""
_LEAST_NAME = 40
"""Number of pixels to which names are shortened so that the legend has room beside the menus."""


class PlotHead(QWidget):
    """Menus and legend beside each other; in narrow plots the legend is below the menus."""

    def __init__(self, display: Display, legend: PlotLegend, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._display = display
        self._legend = legend
        self._folded = False
        self._menus = QWidget()
        self.first = MenuButton(MeasureMenu(display, self), self.tr("Measure of the plot"))
        self.second = MenuButton(
            MeasureMenu(display, self, second=True), self.tr("Measure of the second plot")
        )
        row = QHBoxLayout(self._menus)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for button in (self.first, self.second):
            button.setFont(legend.font())
            row.addWidget(button)
        self._layout = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(SPACE)
        top = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft
        self._layout.addWidget(self._menus, 0, top)
        self._layout.addWidget(legend, 1)
        display.plot_changed.connect(self._update)
        self._update()

    def arrange(self, width: int, *, low: bool) -> None:
        """Arrange menus and legend for a width; in a low plot the legend has only one row."""
        self._legend.shorten_to(None)
        room = width - self._menus.sizeHint().width() - SPACE
        if low:
            beside = self._legend.shorten_to(room, least=_LEAST_NAME)
        else:
            beside = self._legend.rows_at(room) <= _MOST_ROWS
        direction = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        self._layout.setDirection(direction)
        self._layout.setSpacing(SPACE if beside else 0)
        if low and not beside:
            self._legend.shorten_to(width)

    def set_folded(self, folded: bool) -> None:
        """Say that the second plot is hidden because there is no room for it, or not."""
        self._folded = folded
        self._update()

    def _update(self) -> None:
        first, *others = self._display.plot_measures
        self.first.show_choice(measure_name(first), measure_about(first))
        if others and self._folded:
            about = self.tr(
                "The window is too low for a second plot. Close a bar, make the window higher, "
                "or detach the plot."
            )
            name = self.tr("{0} (no room)").format(measure_name(others[0]))
            self.second.show_choice(name, about)
        elif others:
            self.second.show_choice(measure_name(others[0]), measure_about(others[0]))
        else:
            about = self.tr("Show another measure of the same tokens below the plot")
            self.second.show_choice(self.tr("+"), about)
