"""Tests of presets of sampling settings and of prompts, in the real window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog, QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from app.settings import config_folder
from app.ui.main_window import MainWindow
from app.ui.recipe.sampling_panel import SamplingPanel
from app.ui.state.preset_file import PROMPTS, SAMPLING, presets_in, save_preset
from app.ui.state.session import Session
from app.ui.widgets.preset_button import PresetButton
from tests.ui.test_view_menu import open_window

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def no_presets() -> Iterator[None]:
    path = config_folder() / "presets.toml"
    path.unlink(missing_ok=True)
    yield
    for left in config_folder().glob("presets*"):
        left.unlink()


@pytest.fixture
def window(loaded_session: Session, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    return open_window(loaded_session, tmp_path, qtbot)


def sampling_presets(window: MainWindow) -> PresetButton:
    panel = window.findChild(SamplingPanel)
    assert panel is not None
    button = panel.findChild(PresetButton)
    assert button is not None
    return button


def filled(button: PresetButton) -> QMenu:
    menu = button.menu()
    menu.aboutToShow.emit()
    return menu


def choose(menu: QMenu, *names: str) -> None:
    for name in names[:-1]:
        action = next(action for action in menu.actions() if action.text() == name)
        menu = action.menu()  # type: ignore[assignment]
    next(action for action in menu.actions() if action.text() == names[-1]).trigger()


def save(button: PresetButton, qtbot: QtBot, name: str) -> None:
    choose(filled(button), "Save as a preset …")
    dialog = button.findChild(QInputDialog)
    assert dialog is not None
    field = dialog.findChild(QLineEdit)
    qtbot.keyClicks(field, name)
    qtbot.keyClick(field, Qt.Key.Key_Return)
    dialog.deleteLater()


def test_sampling_settings_are_saved_and_chosen_without_the_seed(
    window: MainWindow, qtbot: QtBot, loaded_session: Session
) -> None:
    button, usual = sampling_presets(window), loaded_session.recipe.sampling
    wanted = replace(usual, temperature=0.3, top_k=7, stop=("\n\n", "한"), seed=3)
    loaded_session.set_sampling(wanted)
    save(button, qtbot, "Calm & short")
    loaded_session.set_sampling(replace(usual, seed=9))
    choose(filled(button), "Calm && short")
    assert loaded_session.recipe.sampling == replace(wanted, seed=9)
    loaded_session.undo_stack.undo()
    assert loaded_session.recipe.sampling != replace(wanted, seed=9)
    choose(filled(button), "Delete", "Calm && short")
    assert presets_in(SAMPLING) == {}


def test_prompts_are_saved_and_chosen(window: MainWindow, qtbot: QtBot) -> None:
    button = window.prompt.presets
    window.prompt.set_text("Two\nlines")
    save(button, qtbot, "Mine")
    window.prompt.set_text("another")
    choose(filled(button), "Mine")
    assert window.prompt.text == "Two\nlines"
    window.prompt.edit.undo()
    assert window.prompt.text == "another"


def test_presets_that_were_edited_wrongly_are_refused(
    window: MainWindow, loaded_session: Session
) -> None:
    usual = loaded_session.recipe.sampling
    save_preset(SAMPLING, "Bad", {"top_p": 7, "unknown": 1})
    save_preset(SAMPLING, "Worse", {"temperature": "hot"})
    save_preset(SAMPLING, "Worst", 5)
    for name in ("Bad", "Worse", "Worst"):
        choose(filled(sampling_presets(window)), name)
        assert loaded_session.recipe.sampling == usual


def test_a_damaged_file_is_set_aside_and_not_overwritten() -> None:
    path = config_folder() / "presets.toml"
    path.write_text("what = [")
    assert presets_in(PROMPTS) == {}
    save_preset(PROMPTS, "Mine", "text")
    assert presets_in(PROMPTS) == {"Mine": "text"}
    kept = [left.read_text() for left in config_folder().glob("presets*") if left != path]
    assert kept == ["what = ["]
