"""Tests of the dialog of keyboard shortcuts."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QLabel, QMainWindow, QMenu, QScrollArea
from pytestqt.qtbot import QtBot

from app.ui.shortcuts_dialog import ShortcutsDialog
from app.ui.view_keys import View, ViewKey


def fill(menu: QMenu, *names: str) -> None:
    for name in names:
        action = menu.addAction(name)
        action.setShortcut(QKeySequence(f"Ctrl+{name.removesuffix(' …')[-1]}"))


def test_every_action_with_a_key_is_listed_below_its_menu(qtbot: QtBot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    first = window.menuBar().addMenu("&File")
    fill(first, "&Open A …", "Save && close B", "열기(&O) … E")
    first.addAction("No key")
    fill(first.addMenu("More"), "Inside C")
    fill(window.menuBar().addMenu("&Run"), "Generate D")
    assert texts(ShortcutsDialog(window)) == [
        *(
            "File",
            "Open A",
            "Ctrl+A",
            "Save & close B",
            "Ctrl+B",
            "열기 … E",
            "Ctrl+E",
            "Inside C",
            "Ctrl+C",
        ),
        *("Run", "Generate D", "Ctrl+D"),
        *declared(),
    ]


def texts(dialog: ShortcutsDialog) -> list[str]:
    """What is shown of headings, actions and keys, column by column."""
    page = dialog.findChild(QScrollArea).widget()
    return [label.text() for label in page.findChildren(QLabel) if not label.isHidden()]


def declared() -> Iterator[str]:
    """What the dialog says of views: a heading, then each action and its keys."""
    for view in View:
        yield view.title
        for key in ViewKey:
            if key.view is view:
                yield from (key.text, SHOWN.get(key, key.keys[0].toString()))


SHOWN = {
    key: text
    for text, keys in {
        "Left / Right": "TOKEN BAR CURVE_ALPHA MAP_TOKEN COMPARED_TOKEN BOX",
        "Up / Down": "TOKEN_LINE ALTERNATIVE MAP_ALPHA BOX_LINE",
        "Home / End": "TOKEN_END BAR_END MAP_TOKEN_END COMPARED_END BOX_END",
        "PgUp / PgDown": "ALTERNATIVE_PAGE MAP_ALPHA_PAGE",
        "Shift+Left / Right": "TOKEN_RANGE BAR_RANGE MAP_RANGE",
        "Shift+Up / Down": "TOKEN_RANGE_LINE",
        "Shift+Home / End": "TOKEN_RANGE_END BAR_RANGE_END MAP_RANGE_END",
        "Enter": "NEXT_MATCH SEND BRANCH_WHAT_IF BRANCH CHOOSE_ROW COMPARE_RUNS MAP_WHAT_IF",
        "Shift+Enter": "PREVIOUS_MATCH NEW_LINE",
        "Ctrl+Enter": "ASK_ALL SCORE_AND_COMPARE GENERATE_LIST SCORE EVALUATE",
    }.items()
    for key in map(ViewKey.__getitem__, keys.split())
}
"""How several keys for one action are shown."""


def test_what_is_typed_hides_the_rest(qtbot: QtBot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    fill(window.menuBar().addMenu("&File"), "&Open A …", "Save B")
    dialog = ShortcutsDialog(window)
    everything = texts(dialog)
    dialog.filter.setText("ctrl+a")  # a key
    assert texts(dialog) == ["File", "Open A", "Ctrl+A"]
    dialog.filter.setText(" star")  # an action
    assert texts(dialog) == ["History", "Star", "Ctrl+B"]
    dialog.filter.setText("find bar")  # a view
    assert texts(dialog) == [
        *("Find bar", "Next match", "Enter", "Previous match", "Shift+Enter", "Close", "Esc")
    ]
    dialog.filter.setText("zzz")
    assert texts(dialog) == []
    assert "No key does that." in {
        label.text() for label in dialog.findChildren(QLabel) if not label.isHidden()
    }
    dialog.filter.clear()
    assert texts(dialog) == everything


def test_the_dialog_fits_on_the_screen(qtbot: QtBot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    for place in range(8):
        fill(window.menuBar().addMenu(f"Menu {place}"), *(f"Action {i}" for i in range(20)))
    dialog = ShortcutsDialog(window)
    room = dialog.screen().availableSize()
    assert dialog.width() <= room.width()
    assert dialog.height() <= room.height()
    assert len(texts(dialog)) == 8 * 41 + len(list(declared()))
