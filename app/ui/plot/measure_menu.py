"""Menus of the measures of the plot, and of a second plot below it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from app.attribution.measures import Unit
from app.attribution.plot_measure import PlotMeasure
from app.ui.plot.measure_words import measure_about, measure_name
from app.ui.state.display import Display
from app.ui.widgets.exclusive_actions import add_exclusive
from app.ui.words.unit_words import unit_title


class MeasureMenu(QMenu):
    """Menu of the measures, followed by the units of those that are amounts of information.

    Args:
        second: Whether the measure of the second plot is chosen, which may be none.
    """

    def __init__(self, display: Display, parent: QWidget, *, second: bool = False) -> None:
        super().__init__(parent)
        self._display = display
        self._second = second
        self.setTitle(self.tr("&Second plot") if second else self.tr("&Plot"))
        self.setToolTipsVisible(True)
        self._measures: dict[PlotMeasure | None, QAction] = {}
        self._units: dict[Unit, QAction] = {}
        group = QActionGroup(self)
        if second:
            self._measures[None] = add_exclusive(
                self, group, self.tr("None"), lambda: self._choose(None)
            )
        for measure in PlotMeasure:
            action = add_exclusive(self, group, measure_name(measure), self._chooser(measure))
            action.setToolTip(measure_about(measure))
            self._measures[measure] = action
        if not second:
            self._add_units()
        display.plot_changed.connect(self._update)
        self._update()

    def _add_units(self) -> None:
        self.addSeparator()
        group = QActionGroup(self)
        for unit in (Unit.BITS, Unit.NATS):
            title = self.tr("In {0}").format(unit_title(unit))
            self._units[unit] = add_exclusive(self, group, title, self._unit_chooser(unit))

    def _chooser(self, measure: PlotMeasure) -> Callable[[], None]:
        return lambda: self._choose(measure)

    def _unit_chooser(self, unit: Unit) -> Callable[[], None]:
        return lambda: self._display.set_plot_unit(unit)

    def _choose(self, measure: PlotMeasure | None) -> None:
        first, *others = self._display.plot_measures
        if self._second:
            self._display.set_plot_measures(first, measure)
        elif measure is not None:
            self._display.set_plot_measures(measure, *others)

    def _update(self) -> None:
        first, *others = self._display.plot_measures
        chosen = (others[0] if others else None) if self._second else first
        self._measures[chosen].setChecked(True)
        for unit, action in self._units.items():
            action.setChecked(unit is self._display.plot_unit)
