"""A text says which models made it: names follow the models, and its models are one click away."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from app.checkpoints.recipes.recipe_file import read_recipe
from app.ui.branches.runs_panel import RunsPanel
from app.ui.history.history_dialog import HistoryDialog
from app.ui.main_window import MainWindow
from app.ui.recipe.pair_card import PairCard
from app.ui.recipe.recipe_picker import RecipePicker
from app.ui.recipe.role_picker import RolePicker
from app.ui.state.session import Session
from app.ui.text.run_models_bar import RunModelsBar
from app.ui.widgets.form_controls import ChoiceBox, NameEdit
from tests.ui.conftest import FakeBridge
from tests.ui.history.conftest import settle
from tests.ui.state.records.test_run_history import generate, runs

QWEN, EXPERT = "Qwen2.5-7B", "Qwen2.5-0.5B-Instruct"


@pytest.fixture
def window(kept: Session, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    store = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    window = MainWindow(kept, store)
    qtbot.addWidget(window)
    window.show()
    return window


def choose(window: MainWindow, role: str, folder: str, bridge: FakeBridge) -> None:
    """Choose the model of a role by its folder, and let it load."""
    pickers = window.findChildren(RolePicker)
    picker = next(p for p in pickers if p.findChild(ChoiceBox).accessibleName() == role)
    picker.choose_path(folder)
    bridge.finish_load()


def recipe_title(window: MainWindow) -> str:
    return str(window.findChild(RecipePicker).findChild(ChoiceBox).currentText())


def pair_titles(window: MainWindow) -> list[str]:
    return [card.findChild(NameEdit).text() for card in window.findChildren(PairCard)]


def bar(window: MainWindow) -> RunModelsBar:
    return window.findChild(RunModelsBar)


def test_names_follow_the_models(
    window: MainWindow, kept: Session, bridge: FakeBridge, tmp_path: Path
) -> None:
    before = kept.recipe
    choose(window, "Base", f"/models/{QWEN}", bridge)
    assert recipe_title(window) == "Untitled"
    assert pair_titles(window) == ["Shakespeare", "Arithmetic"]  # over the same models as before
    choose(window, "expert of Shakespeare", f"/models/{EXPERT}", bridge)
    choose(window, "expert of Arithmetic", f"/models/{EXPERT}", bridge)
    assert pair_titles(window) == [EXPERT, f"{EXPERT} 2"]
    kept.set_source(1, "builtin:demo/shakespeare")
    assert pair_titles(window)[0] == "Shakespeare"  # it is that model again
    for _ in range(4):
        kept.undo_stack.undo()
    assert kept.recipe == before


def test_a_name_that_the_user_gave_is_kept(
    window: MainWindow, kept: Session, bridge: FakeBridge
) -> None:
    name = window.findChildren(PairCard)[0].findChild(NameEdit)
    name.setText("My tone")
    name.editingFinished.emit()
    dialog = window.findChild(RecipePicker).ask_name()
    dialog.setTextValue("Mine")
    dialog.accept()
    assert window.findChild(QInputDialog) is dialog
    choose(window, "expert of My tone", f"/models/{EXPERT}", bridge)
    choose(window, "Base", f"/models/{QWEN}", bridge)
    assert pair_titles(window)[0] == "My tone"
    assert kept.recipe.name == "Mine"


def test_a_change_that_keeps_the_models_keeps_the_name(window: MainWindow, kept: Session) -> None:
    kept.set_alpha(0, 2.0)
    kept.add_pair()
    kept.set_source(1, "builtin:demo/arithmetic")
    assert kept.recipe.name == "Two styles"
    assert recipe_title(window) == "Two styles — edited"


def test_an_untitled_recipe_is_saved_under_the_name_of_its_file(
    window: MainWindow, kept: Session, bridge: FakeBridge, tmp_path: Path
) -> None:
    choose(window, "Base", f"/models/{QWEN}", bridge)
    path = tmp_path / "Qwen with verse.tuneshift.toml"
    window.findChild(RecipePicker).save_file(str(path))
    assert read_recipe(path).name == "Qwen with verse"
    assert kept.recipe.name == "Qwen with verse"


def test_a_text_carries_its_models_and_opens_them(
    window: MainWindow, kept: Session, bridge: FakeBridge
) -> None:
    generate(kept, bridge, "Apple", 3)
    first = kept.recipe
    panel = window.findChild(RunsPanel)
    assert "Base, Shakespeare, Antiexpert, Arithmetic" in panel.provenance.text()
    assert "α 1, 0.4 · seed 0 · temperature 0.8 · top-p 0.95" in panel.provenance.text()
    assert bar(window).message == ""
    choose(window, "Base", f"/models/{QWEN}", bridge)
    assert bar(window).message.endswith("not loaded: Base")
    generate(kept, bridge, "Banana", 3)
    assert bar(window).message == ""
    assert panel.provenance.text().startswith(QWEN)
    kept.runs.show(kept.runs.all[0])
    bar(window).open.click()
    assert kept.recipe.checkpoints() == first.checkpoints()
    assert bar(window).message == ""
    assert kept.recipe.name == "Two styles"


def test_another_prompt_format_is_not_another_model(
    window: MainWindow, kept: Session, bridge: FakeBridge
) -> None:
    generate(kept, bridge, "Apple", 3)
    kept.set_context(64)
    assert "other roles or options" in bar(window).message
    assert bar(window).open.text() == "Open its recipe"


def test_runs_are_searched_by_models_and_settings(
    window: MainWindow, kept: Session, bridge: FakeBridge
) -> None:
    generate(kept, bridge, "Apple", 3)
    choose(window, "Base", f"/models/{QWEN}", bridge)
    generate(kept, bridge, "Banana", 3)
    kept.runs.fork(1)
    bridge.complete(3)
    panel = window.findChild(RunsPanel)
    for words, found in (("qwen", 1), ("shakespeare", 2), ("apple", 1), ("α=0.4", 2), ("plum", 0)):
        panel.search.setText(words)
        assert panel.model.rowCount() == found, words
    panel.search.clear()
    assert panel.model.rowCount() == 2
    branch = kept.runs.current
    assert branch is not None
    kept.runs.rename(branch, "special")
    panel.search.setText("special")
    assert panel.model.rowCount(panel.model.index(0, 0)) == 1  # below its parent, which stays


def test_the_history_shows_and_finds_models(
    window: MainWindow, kept: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    generate(kept, bridge, "Apple", 3)
    choose(window, "Base", f"/models/{QWEN}", bridge)
    generate(kept, bridge, "Banana", 3)
    runs(kept)
    dialog = HistoryDialog(kept)
    qtbot.addWidget(dialog)
    dialog.search.setText("qwen2.5 seed=0")
    dialog._search_timer.timeout.emit()
    settle(dialog)
    assert [run.prompt for run in dialog.chosen()] == ["Banana"]
    assert dialog.runs.rowCount() == 1
    facts = dialog.details.facts.text()
    assert facts.startswith(QWEN)
    assert "α 1, 0.4 · seed 0" in facts
    dialog.close()


def test_opening_by_the_keys_chooses_the_newest(
    window: MainWindow, kept: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    generate(kept, bridge, "Apple", 3)
    runs(kept)
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    window.activateWindow()
    qtbot.keyPress(window, Qt.Key.Key_H, modifiers)  # they are still held
    dialog = window.findChild(HistoryDialog)
    settle(dialog)
    assert [run.prompt for run in dialog.chosen()] == ["Apple"]
    qtbot.keyRelease(window, Qt.Key.Key_H)
    dialog.close()
