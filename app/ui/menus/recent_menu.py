"""Open recent menu: the last recipe files and the folders with models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from app.checkpoints.candidates.used_folders import used_folders
from app.ui.new_recipe.new_recipe_dialog import show_new_recipe
from app.ui.recipe import recipe_files
from app.ui.state.session import Session


class RecentMenu(QMenu):
    """Menu of recently opened or saved recipes, and of folders for a new recipe."""

    def __init__(self, session: Session, window: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._window = window
        self.setTitle(self.tr("Open &recent"))
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self._fill)

    def _fill(self) -> None:
        self.clear()
        for entry in recipe_files.recent():
            if entry.path:
                self._add(entry.title, entry.path, self._open_recipe)
        folders = used_folders()
        if folders:
            self.addSection(self.tr("New recipe from a folder"))
        for folder in folders:
            self._add(folder.name or str(folder), folder, self._open_folder)
        if self.isEmpty():
            self.addAction(self.tr("Nothing was opened yet")).setEnabled(False)

    def _add(self, title: str, path: Path, slot: Callable[[Path], None]) -> None:
        action = QAction(title.replace("&", "&&"), self)
        action.setToolTip(str(path))
        action.triggered.connect(lambda: slot(path))
        self.addAction(action)

    def _open_recipe(self, path: Path) -> None:
        recipe_files.open_file(self._session, path)

    def _open_folder(self, folder: Path) -> None:
        show_new_recipe(self._session, self._window, folder)
