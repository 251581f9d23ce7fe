"""View menu: the size of the text, and the panels of the window."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.ui.menus.menu import SessionMenu
from app.ui.state.session import Session
from app.ui.widgets.window_panels import Panel, WindowPanels


class ViewMenu(SessionMenu):
    """Menu that makes the text larger or smaller, and shows or hides panels."""

    def __init__(self, session: Session, window: QWidget, panels: WindowPanels) -> None:
        super().__init__(session, window)
        self._panels = panels
        self.setTitle(self.tr("&View"))
        display = session.display
        self._larger = self.add(
            self.tr("&Larger text"), lambda: display.zoom(1), ("Ctrl++", "Ctrl+=")
        )
        self._smaller = self.add(self.tr("&Smaller text"), lambda: display.zoom(-1), "Ctrl+-")
        self._usual = self.add(self.tr("&Usual size"), lambda: display.zoom(0), "Ctrl+0")
        self.addSeparator()
        self._shown = {
            Panel.LEFT: self.add(
                self.tr("Left &column"), lambda: panels.toggle(Panel.LEFT), "Ctrl+1"
            ),
            Panel.PLOT: self.add(self.tr("&Plot"), lambda: panels.toggle(Panel.PLOT), "Ctrl+2"),
            Panel.RIGHT: self.add(
                self.tr("&Right column"), lambda: panels.toggle(Panel.RIGHT), "Ctrl+3"
            ),
        }
        self.addSeparator()
        self._detached = self.add(
            self.tr("Plot in a &window of its own"),
            lambda: panels.set_detached(not panels.detached),
            "Ctrl+4",
        )
        for action in (*self._shown.values(), self._detached):
            action.setCheckable(True)
        display.text_scale_changed.connect(self._update)
        panels.changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        display = self._session.display
        self._larger.setEnabled(display.can_zoom(1))
        self._smaller.setEnabled(display.can_zoom(-1))
        self._usual.setEnabled(display.text_scale != 1)
        for panel, action in self._shown.items():
            action.setChecked(self._panels.shown(panel))
        self._detached.setChecked(self._panels.detached)
