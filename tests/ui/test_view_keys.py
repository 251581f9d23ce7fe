"""Tests that every key of a view or a dialog is declared, and that every declared key is there."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from app.ui.state.session import Session
from app.ui.view_keys import View, ViewKey

UI = Path(__file__).parents[2] / "app/ui"
SOURCES = {str(path.relative_to(UI)): path for path in sorted(UI.rglob("*.py"))}
MAKERS = {"menus/menu.py", "text/tint_menus.py", "view_keys.py"}
"""Files that make shortcuts: those of the menu bar, and those that are declared."""

READERS: dict[str, tuple[View, ...]] = {
    "alpha_map/heat_map.py": (View.ALPHA_MAP,),
    "branches/fork_popup.py": (View.ALTERNATIVES,),
    "chat/message_entry.py": (View.MESSAGE,),
    "compare/run_text.py": (View.COMPARE,),
    "compare/shift_strip.py": (View.COMPARE,),
    "correspondence/aligned_text_view.py": (View.CORRESPONDENCE,),
    "evaluate/task_list.py": (View.EVALUATE,),
    "inspector/alpha_curve_view.py": (View.ALPHA_CURVE,),
    "plot/selection_keys.py": (View.PLOT, View.ALPHA_MAP),
    "text/find_bar.py": (View.FIND,),
    "text/token_keys.py": (View.TEXT,),
    "text/transcript_edit.py": (View.TEXT,),
    "what_if/what_if_bar.py": (View.WHAT_IF,),
    "widgets/number_table.py": (View.TABLE,),
}
"""Files that read keys from events, and the views whose keys they are."""

LEFT_TO_QT = {ViewKey.TOKEN_MENU, ViewKey.BAR_MENU, ViewKey.NEW_LINE, ViewKey.STOP_ALL}
"""Keys that Qt turns into a context menu, a new line, or a dialog that is to be closed."""


PASSED_ON = {View.ALPHA_MAP: {"Escape"}}
"""Keys that are named only because they are left to the dialog, which they close."""


def names(path: Path) -> list[str]:
    """All names and attributes of a file, in calls and elsewhere, without its imports."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [
        node.id if isinstance(node, ast.Name) else node.attr
        for node in tree
        if isinstance(node, ast.Name | ast.Attribute)
    ]


def declared_keys_in_use() -> set[str]:
    """Names of the declared keys that are made to shortcuts or actions."""
    return {
        node.attr
        for path in SOURCES.values()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "ViewKey"
    }


def keys_in(path: Path) -> set[str]:
    """Names of the keys of ``Qt.Key`` in a file; both keys for Enter are one."""
    return {
        "Enter" if name == "Key_Return" else name.removeprefix("Key_")
        for name in names(path)
        if name.startswith("Key_")
    }


def pressed(key: ViewKey) -> set[str]:
    """Names of the keys of a declared action, without modifiers; both keys for Enter are one."""
    found = set()
    for keys in key.keys:
        name = Qt.Key(keys[0].key()).name.removeprefix("Key_")  # type: ignore[index]
        found.add("Enter" if name == "Return" else name)
    return found


def test_shortcuts_are_made_where_they_are_declared_and_in_menus() -> None:
    making = {"QShortcut", "setShortcut", "setShortcuts", "setKeys"}
    assert {name for name, path in SOURCES.items() if making & set(names(path))} == MAKERS


def test_every_declared_shortcut_is_taken_by_a_view() -> None:
    """Those that events are read for are compared with the source below."""
    taken = declared_keys_in_use()
    read = {view for views in READERS.values() for view in views}
    for key in ViewKey:
        assert key.name in taken or key.view in read or key in LEFT_TO_QT, key.name


def test_every_file_that_reads_keys_is_known() -> None:
    found = {
        name
        for name, path in SOURCES.items()
        if name != "view_keys.py" and (keys_in(path) or "keyPressEvent" in path.read_text("utf-8"))
    }
    assert found == set(READERS)


@pytest.mark.parametrize("file", READERS)
def test_keys_that_a_file_reads_are_declared(file: str) -> None:
    for view in READERS[file]:
        known = set().union(*(pressed(key) for key in ViewKey if key.view is view))
        assert keys_in(SOURCES[file]) - PASSED_ON.get(view, set()) <= known, view


@pytest.mark.parametrize("view", sorted({v for vs in READERS.values() for v in vs}, key=str))
def test_keys_that_are_declared_are_read(view: View) -> None:
    files = [SOURCES[file] for file, views in READERS.items() if view in views]
    there = set().union(*(keys_in(file) for file in files))
    taken = declared_keys_in_use()
    copies = "Copy" in {name for file in files for name in names(file)}
    for key in ViewKey:
        if key.view is view and key not in LEFT_TO_QT and key.name not in taken:
            is_copy = key.keys == [QKeySequence(QKeySequence.StandardKey.Copy)]
            assert copies if is_copy else pressed(key) <= there, key.name


def test_no_key_of_a_view_does_two_things() -> None:
    for view in View:
        used = Counter(keys for key in ViewKey if key.view is view for keys in key.keys)
        assert [keys.toString() for keys, times in used.items() if times > 1] == []
        assert used, "a heading without a key"


@pytest.mark.slow
def test_every_key_of_the_main_window_is_in_the_menu_bar_or_declared(
    finished_session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    store = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    window = MainWindow(finished_session, store)
    qtbot.addWidget(window)
    window.add_plot()
    listed = {action for menu in menus(window.menuBar()) for action in menu.actions()}
    known = {(key.text, keys.toString()) for key in ViewKey for keys in key.keys}
    for action in window.findChildren(QAction):
        for keys in action.shortcuts():
            assert action in listed or (action.text(), keys.toString()) in known
    assert window.findChildren(QShortcut) == []


def menus(bar: QWidget) -> list[QMenu]:
    """The menus of the bar and those in them."""
    found = [menu for action in bar.actions() if isinstance(menu := action.menu(), QMenu)]
    return [*found, *(below for menu in found for below in menus(menu))]


def test_a_shortcut_works_in_its_window_and_an_action_in_its_widget(qtbot: QtBot) -> None:
    done: list[str] = []
    dialog = QWidget()
    qtbot.addWidget(dialog)
    inner = QWidget(dialog)
    ViewKey.NEXT_CHANGE.shortcut(dialog, lambda: done.append("next"))
    action = ViewKey.STAR.action(inner, lambda: done.append("star"))
    assert action.text() == "Star"
    with qtbot.waitExposed(dialog):
        dialog.show()
    dialog.activateWindow()
    dialog.setFocus()
    qtbot.keyClick(dialog, Qt.Key.Key_F8)
    qtbot.keyClick(dialog, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert done == ["next"]
    inner.setFocus()
    qtbot.keyClick(inner, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert done == ["next", "star"]
