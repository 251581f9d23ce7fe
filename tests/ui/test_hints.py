"""Hints explain parts of the window in place, are dismissed, stay so, and come back."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QToolButton
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from app.ui.state.display import Display
from app.ui.state.session import Session
from app.ui.text.prompt_editor import PromptEditor, prompt_title
from app.ui.widgets.hint_label import HintLabel
from tests.ui.conftest import FakeBridge


@pytest.fixture
def store(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)


def open_window(session: Session, store: QSettings, qtbot: QtBot) -> MainWindow:
    window = MainWindow(session, store)
    qtbot.addWidget(window)
    window.add_plot()
    with qtbot.waitExposed(window):
        window.show()
    return window


def shown(window: MainWindow) -> list[HintLabel]:
    return [hint for hint in window.findChildren(HintLabel) if hint.isVisible()]


def dismiss(hint: HintLabel, qtbot: QtBot) -> None:
    qtbot.mouseClick(hint.findChild(QToolButton), Qt.MouseButton.LeftButton)


def hints_action(window: MainWindow) -> QAction:
    menus = (entry.menu() for entry in window.menuBar().actions())
    help_menu = next(menu for menu in menus if isinstance(menu, QMenu) and "Help" in menu.title())
    help_menu.aboutToShow.emit()
    return next(action for action in help_menu.actions() if action.isCheckable())


@pytest.mark.slow
def test_hints_show_all_of_their_lines(session: Session, store: QSettings, qtbot: QtBot) -> None:
    window = open_window(session, store, qtbot)
    window.resize(1280, 720)
    QApplication.processEvents()
    hints = shown(window)
    assert len(hints) >= 4
    for hint in hints:
        label = hint.findChild(QLabel)
        assert label.height() >= label.heightForWidth(label.width())


@pytest.mark.slow
def test_hints_stand_where_they_explain_something(
    loaded_session: Session, store: QSettings, qtbot: QtBot
) -> None:
    """Four in the recipe from the start; those of tint and plot come with the first run."""
    window = open_window(loaded_session, store, qtbot)
    assert len(loaded_session.recipe.pairs) > 1
    assert len(shown(window)) == 4
    loaded_session.runs.generate("the king")
    assert len(shown(window)) == 6
    texts = [hint.findChild(QLabel).text() for hint in shown(window)]
    assert len(set(texts)) == 6


@pytest.mark.slow
def test_a_dismissed_hint_stays_away_also_after_a_restart(
    loaded_session: Session, bridge: FakeBridge, store: QSettings, qtbot: QtBot
) -> None:
    window = open_window(loaded_session, store, qtbot)
    first, *others = shown(window)
    dismiss(first, qtbot)
    assert shown(window) == others
    window.remember()
    again = Session(bridge, loaded_session.recipe, loaded_session.settings)
    assert len(shown(open_window(again, store, qtbot))) == len(others)


@pytest.mark.slow
def test_all_hints_are_hidden_and_brought_back_by_the_help_menu(
    loaded_session: Session, store: QSettings, qtbot: QtBot
) -> None:
    window = open_window(loaded_session, store, qtbot)
    action = hints_action(window)
    assert action.isChecked()
    action.trigger()
    assert shown(window) == []
    action = hints_action(window)
    assert not action.isChecked()
    action.trigger()
    assert len(shown(window)) == 4


def test_an_example_replaces_the_prompt_and_can_be_undone(qtbot: QtBot) -> None:
    editor = PromptEditor(Display())
    qtbot.addWidget(editor)
    editor.set_text("mine")
    button = editor.findChild(QToolButton)
    editor.offer_examples(["only one"])
    assert button.isHidden()
    editor.offer_examples(["The king\nsaid", "1 & 2"])
    assert not button.isHidden()
    texts = [action.text() for action in button.menu().actions()]
    assert texts == ["The king said", "1 && 2"]
    button.menu().actions()[0].trigger()
    assert editor.text == "The king\nsaid"
    editor.edit.undo()
    assert editor.text == "mine"


def test_the_title_of_a_long_prompt_is_its_beginning() -> None:
    assert prompt_title("word " * 40).endswith("…")
    assert len(prompt_title("word " * 40)) == 60
