"""Tests of the dialog of keyboard shortcuts."""

from __future__ import annotations

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QLabel, QMainWindow, QMenu
from pytestqt.qtbot import QtBot

from app.ui.shortcuts_dialog import ShortcutsDialog


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
    for _ in range(2):  # two panels have it
        elsewhere = QAction("Rename", window)
        elsewhere.setShortcut(QKeySequence("F2"))
        window.addAction(elsewhere)
    dialog = ShortcutsDialog(window)
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    assert texts == [
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
        *("In the panels", "Rename", "F2"),
    ]


def test_the_dialog_fits_on_the_screen(qtbot: QtBot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    for place in range(8):
        fill(window.menuBar().addMenu(f"Menu {place}"), *(f"Action {i}" for i in range(20)))
    dialog = ShortcutsDialog(window)
    room = dialog.screen().availableSize()
    assert dialog.width() <= room.width()
    assert dialog.height() <= room.height()
    assert len(dialog.findChildren(QLabel)) == 8 * 41
