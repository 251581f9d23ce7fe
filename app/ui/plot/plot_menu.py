"""Actions of the plot's context menu: what it shows, and pictures of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from app.history.export.formats import PNG
from app.ui.history.exporting import ask_export_shown
from app.ui.plot.measure_menu import MeasureMenu
from app.ui.plot.plot_legend import PlotLegend
from app.ui.state.session import Session
from app.wording import menu_text


class PlotMenu(QMenu):
    """Menu of the plot; the menu of a token in the plot has its actions as well.

    Args:
        plot: The plot, of which pictures are made.
        show_all: Shows every token.
    """

    def __init__(
        self, session: Session, plot: QWidget, legend: PlotLegend, show_all: Callable[[], None]
    ) -> None:
        super().__init__(plot)
        self._legend = legend
        self.addAction(self.tr("Show &all tokens"), show_all)
        self._parts = self.addMenu(self.tr("&Lines and bars"))
        self.addMenu(MeasureMenu(session.display, self)).setText(self.tr("&Measure"))
        self.addMenu(MeasureMenu(session.display, self, second=True))
        self.addSeparator()
        self.addAction(
            self.tr("Copy &picture"), lambda: QGuiApplication.clipboard().setPixmap(plot.grab())
        )
        for name, title in (
            (PNG, self.tr("Save as image (PNG) …")),
            ("svg", self.tr("Save as vector graphics (SVG) …")),
        ):
            self.addAction(title, partial(ask_export_shown, session, name, plot))

    def current(self) -> list[QAction]:
        """The actions, with the parts that the plot has now."""
        self._parts.clear()
        for toggle in self._legend.toggles:
            action = self._parts.addAction(menu_text(toggle.accessibleName()), toggle.click)
            action.setCheckable(True)
            action.setChecked(toggle.isChecked())
        return self.actions()
