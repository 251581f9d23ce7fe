"""Panels of the window: which are shown, and whether the plot has a window of its own."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import (
    QByteArray,
    QCoreApplication,
    QEvent,
    QObject,
    QSettings,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QSplitter, QVBoxLayout, QWidget

from app.ui.state.display import Display
from app.ui.theme import SPACE
from app.ui.widgets.tab_order import move_focus

_SIZE = QSize(900, 420)
_GROWTH, _LARGEST_SHARE = 1.6, 0.6
"""Factor of the plot's height when a second one is shown, and its largest share of all rows."""
_PASSES = 2
"""How often the height is set: a lower plot has a smaller minimum."""


class Panel(StrEnum):
    """A part of the window that can be hidden; the value is its key in the saved state."""

    LEFT = "left"
    RIGHT = "right"
    PLOT = "plot"


class WindowPanels(QObject):
    """Shows and hides panels, and moves the plot between the window and a window of its own.

    Args:
        window: The main window.
        rows: The splitter whose last widget is the plot while it is in the main window.
        plot: The widget with the plot.
        display: Says how many plots there are.
    """

    changed = Signal()
    """A panel was shown or hidden, or the plot was detached or came back."""

    def __init__(
        self, window: QMainWindow, rows: QSplitter, plot: QWidget, display: Display
    ) -> None:
        super().__init__(window)
        self._display = display
        self._plots = 1
        self._single_height = 0
        self._open_height = 0
        self._window = window
        self._rows = rows
        self._plot = plot
        self._own_window: _PlotWindow | None = None
        self._geometry = QByteArray()
        self._widgets: dict[Panel, QWidget] = {Panel.PLOT: plot}
        self._hidden: set[Panel] = set()
        self._was_detached = False

    def set_columns(self, left: QWidget, right: QWidget) -> None:
        """Set the columns, which are made after the menus."""
        self._widgets |= {Panel.LEFT: left, Panel.RIGHT: right}

    # Showing and hiding

    def shown(self, panel: Panel) -> bool:
        return panel not in self._hidden

    def toggle(self, panel: Panel) -> None:
        """Show a hidden panel, or hide a shown one."""
        self._show(panel, not self.shown(panel))

    def _show(self, panel: Panel, shown: bool) -> None:
        if panel is Panel.PLOT and self.detached:
            self.set_detached(False)
        self._hidden = self._hidden - {panel} if shown else self._hidden | {panel}
        self._widgets[panel].setVisible(shown)
        self.changed.emit()

    def set_plot_closed(self, closed: bool) -> None:
        """Give the plot no more height than its closed form needs, or the height of before."""
        if self.detached or self._plot.isHidden():
            return
        text, height = self._rows.sizes()
        if closed:
            self._open_height = height
        wanted = 0 if closed else self._open_height
        layout = self._plot.layout()
        if layout is not None:
            layout.activate()  # the least height is another one
        self._rows.setSizes([text + height - wanted, wanted])

    def _make_room(self) -> None:
        """Make the plot higher when a second one is shown, and as high as before without it."""
        plots, before = len(self._display.plot_measures), self._plots
        self._plots = plots
        if plots == before or self.detached or not self._plot.isVisible():
            return
        *others, height = self._rows.sizes()
        if plots > before:
            self._single_height = height
            wanted = round(min(height * _GROWTH, (sum(others) + height) * _LARGEST_SHARE))
        else:
            wanted = self._single_height or height
        gained = wanted - height
        if plots < before or gained > 0:
            for _ in range(_PASSES):
                QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
                self._rows.setSizes([others[0] - gained, *others[1:], wanted])

    # The plot in a window of its own

    @property
    def detached(self) -> bool:
        """Whether the plot has a window of its own."""
        return self._own_window is not None

    def set_detached(self, detached: bool) -> None:
        """Move the plot to a window of its own, or back."""
        if detached and self._own_window is None:
            self._hidden -= {Panel.PLOT}
            self._own_window = _PlotWindow(self._plot, self._window)
            self._own_window.restoreGeometry(self._geometry)
            self._own_window.closed.connect(lambda: self.set_detached(False))
            self._own_window.show()
            self.changed.emit()
        elif self._own_window is not None and not detached:
            own, self._own_window = self._own_window, None
            self._geometry = own.saveGeometry()
            self._rows.addWidget(self._plot)
            self._plot.show()
            own.hide()
            own.deleteLater()
            self.changed.emit()

    # Remembered state

    def restore(self, store: QSettings) -> None:
        """Hide the panels that were hidden; :meth:`restore_plot` detaches the plot."""
        hidden = str(store.value("hidden panels", "")).split()
        for panel in Panel:
            if panel in hidden:
                self._show(panel, False)
        geometry = store.value("plot window")
        if isinstance(geometry, QByteArray):
            self._geometry = geometry
        self._was_detached = store.value("plot detached") in (True, "true")

    def restore_plot(self) -> None:
        """Detach the plot again; called once the main window is shown."""
        self.set_detached(self._was_detached)
        self._plots = len(self._display.plot_measures)
        self._display.plot_changed.connect(self._make_room)  # after the plot itself has changed

    def remember(self, store: QSettings) -> None:
        """Save the state for :meth:`restore`."""
        if self._own_window is not None:
            self._geometry = self._own_window.saveGeometry()
        store.setValue("hidden panels", " ".join(sorted(self._hidden)))
        store.setValue("plot window", self._geometry)
        store.setValue("plot detached", self.detached)


class _PlotWindow(QWidget):
    """Window with the plot, in which the keys of the main window work as well."""

    closed = Signal()
    """The user closed the window."""

    def __init__(self, plot: QWidget, window: QMainWindow) -> None:
        super().__init__(window, Qt.WindowType.Window)
        self.setWindowTitle(self.tr("Plot"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        layout.addWidget(plot)
        plot.show()
        self.resize(_SIZE)
        for menu in window.findChildren(QMenu):
            self.addActions([action for action in menu.actions() if action.shortcuts()])

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802 — Qt's name
        return move_focus(self, forward=forward)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 — Qt's name
        event.accept()
        self.closed.emit()
