"""File menu: recipes, history, export, preferences and quit."""

from __future__ import annotations

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QWidget

from app.ui.history.exporting import ask_export_shown, fill_menu
from app.ui.history.history_dialog import show_history
from app.ui.menus.menu import SessionMenu
from app.ui.menus.recent_menu import RecentMenu
from app.ui.new_recipe.new_recipe_dialog import show_new_recipe
from app.ui.preferences import PreferencesDialog
from app.ui.recipe import recipe_files
from app.ui.recipe.recipe_library import show_library
from app.ui.state.session import Session


class FileMenu(SessionMenu):
    """Menu that opens and saves recipes, and exports the shown run."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(session, window)
        self.setTitle(self.tr("&File"))
        keys = QKeySequence.StandardKey
        self._opening = [
            self.add(self.tr("&New recipe …"), lambda: show_new_recipe(session, window), keys.New),
            self.add(
                self.tr("&Open recipe …"), lambda: recipe_files.ask_open(session, window), keys.Open
            ),
            self.add(self.tr("Recipe &library …"), lambda: show_library(session, window), "Ctrl+L"),
        ]
        recent = RecentMenu(session, window, self)
        self._opening.append(self.addMenu(recent))
        self.add(
            self.tr("&Save recipe as …"),
            lambda: recipe_files.ask_save(session, window),
            "Ctrl+Shift+S",
        )
        self.addSeparator()
        self.add(self.tr("&History …"), lambda: show_history(session, window), "Ctrl+Shift+H")
        self._export = self.addMenu(self.tr("&Export the shown run"))
        fill_menu(self._export, lambda name: ask_export_shown(session, name, window))
        self.addSeparator()
        self.add(
            self.tr("&Preferences …"), lambda: PreferencesDialog(session, window).open(), "Ctrl+,"
        )
        self.addSeparator()
        self.add(self.tr("&Quit"), window.close, keys.Quit)
        self.follow_run(self._update)
        self._update()

    def _update(self) -> None:
        run = self._session.runs.current
        self._export.setEnabled(run is not None and bool(run.tokens))
        for action in self._opening:
            action.setEnabled(self._session.editable)
