"""The file that was last written for the user, which the window names."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal


class SavedFiles(QObject):
    """The last file that was saved or exported, until the user dismisses it."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.last: Path | None = None

    def add(self, path: Path) -> None:
        """Name a file that has just been written."""
        self.last = path
        self.changed.emit()

    def dismiss(self) -> None:
        """Name no file any more."""
        self.last = None
        self.changed.emit()
