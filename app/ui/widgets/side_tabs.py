"""A side column of the window that shows one of several panels."""

from __future__ import annotations

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QTabWidget, QWidget


class SideTabs(QTabWidget):
    """Tabs without a frame; a single panel shows no tab."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDocumentMode(True)
        self.setTabBarAutoHide(True)
        self.tabBar().setExpanding(False)
        self.tabBar().setDrawBase(False)
        self.setAccessibleName(name)

    def remember(self, memory: QSettings, key: str) -> None:
        """Write down which panel is shown."""
        memory.setValue(key, type(self.currentWidget()).__name__)

    def restore(self, memory: QSettings, key: str) -> None:
        """Show the panel that was remembered, if there still is one."""
        for place in range(self.count()):
            if type(self.widget(place)).__name__ == memory.value(key):
                self.setCurrentIndex(place)
