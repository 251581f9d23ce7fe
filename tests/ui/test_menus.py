"""Tests of the menus of the window: what belongs where, and what was opened before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from app.checkpoints.candidates.used_folders import remember_folders
from app.checkpoints.recipes.recipe_file import write_recipe
from app.ui.main_window import MainWindow
from app.ui.new_recipe.new_recipe_dialog import NewRecipeDialog
from app.ui.recipe import recipe_files
from app.ui.state.session import Session
from tests.ui.test_view_menu import open_window

pytestmark = pytest.mark.slow


@pytest.fixture
def window(loaded_session: Session, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    return open_window(loaded_session, tmp_path, qtbot)


def plain(action: QAction) -> str:
    return action.text().replace("&", "").removesuffix(" …")


def menu(window: MainWindow, *names: str) -> QMenu:
    """A menu of the menu bar, or a submenu, filled as if it were opened."""
    actions = window.menuBar().actions()
    for name in names:
        action = next(action for action in actions if plain(action) == name)
        found = action.menu()
        assert isinstance(found, QMenu)
        found.aboutToShow.emit()
        actions = found.actions()
    return found


def test_what_concerns_models_is_in_the_models_menu(window: MainWindow) -> None:
    models = [plain(action) for action in menu(window, "Models").actions()]
    generate = [plain(action) for action in menu(window, "Generate").actions()]
    for name in ("Load models again", "Cancel loading", "Vocabulary", "Memory"):
        assert name in models
        assert name not in generate


def test_the_menus_are_in_the_usual_order(window: MainWindow) -> None:
    assert [plain(action) for action in window.menuBar().actions()] == [
        *("File", "Edit", "View", "Models", "Generate", "Runs", "Inspect", "Token", "Help"),
    ]


def test_recent_recipes_and_folders_can_be_opened_again(
    window: MainWindow, loaded_session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "mine.tuneshift.toml"
    write_recipe(replace(loaded_session.recipe, name="Mine & yours"), path)
    recipe_files.remember(path)
    models = tmp_path / "models"
    models.mkdir()
    remember_folders([models])
    listed = {action.text(): action for action in menu(window, "File", "Open recent").actions()}
    listed["Mine && yours"].trigger()
    assert loaded_session.recipe.name == "Mine & yours"
    assert listed["models"].toolTip() == str(models)
    listed["models"].trigger()
    dialog = window.findChild(NewRecipeDialog)
    assert dialog is not None
    assert dialog.isVisible()
    loaded_session.local_models.close()
    dialog.close()
