"""Tab widget of a side column of the window."""

from __future__ import annotations

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QTabWidget, QWidget


class SideTabs(QTabWidget):
    """Tab widget without a frame; hides the tab bar of a single panel."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDocumentMode(True)
        self.setTabBarAutoHide(True)
        self.tabBar().setExpanding(False)
        self.tabBar().setDrawBase(False)
        self.setAccessibleName(name)

    def remember(self, store: QSettings, key: str) -> None:
        """Save which panel is shown."""
        store.setValue(key, type(self.currentWidget()).__name__)

    def restore(self, store: QSettings, key: str) -> None:
        """Show the saved panel, if it still exists."""
        for place in range(self.count()):
            if type(self.widget(place)).__name__ == store.value(key):
                self.setCurrentIndex(place)
