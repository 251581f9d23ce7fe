"""A side column of the window that shows one of several panels."""

from __future__ import annotations

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
