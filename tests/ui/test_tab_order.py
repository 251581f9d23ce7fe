"""Tests that Tab and Shift+Tab reach every control of the window, in the order that is seen."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, QSettings, Qt
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QScrollArea, QTabWidget, QWidget
from pytestqt.qtbot import QtBot

from app.checkpoints.spec import Recipe
from app.errors import TuneshiftError
from app.ui.main_window import MainWindow
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge

pytestmark = pytest.mark.slow


@pytest.fixture
def window(loaded_session: Session, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    store = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    made = MainWindow(loaded_session, store)
    qtbot.addWidget(made)
    made.resize(1280, 800)
    with qtbot.waitExposed(made):
        made.show()
    made.add_plot()
    made.activateWindow()
    QApplication.processEvents()
    return made


def wanted(window: MainWindow) -> set[QWidget]:
    """Every visible widget that takes the focus by Tab."""
    tab = Qt.FocusPolicy.TabFocus
    return {
        widget
        for widget in window.findChildren(QWidget)
        if widget.window() is window
        and widget.isVisible()
        and widget.isEnabled()
        and widget.focusPolicy() & tab == tab
        and widget.focusProxy() is None
    }


def walk(window: MainWindow, qtbot: QtBot, key: Qt.Key, steps: int) -> list[QWidget]:
    """The widgets that the key reaches, one after another, beginning with the focused one."""
    found = []
    for _ in range(steps):
        focused = window.focusWidget()
        assert focused is not None
        found.append(focused)
        qtbot.keyClick(focused, key)
    assert window.focusWidget() is found[0], "it comes round"
    return found


def place(widget: QWidget) -> QRect:
    return QRect(widget.mapTo(widget.window(), QPoint(0, 0)), widget.size())


def scroll_area(widget: QWidget) -> QWidget | None:
    around = widget.parentWidget()
    while around is not None and not isinstance(around, QScrollArea):
        around = around.parentWidget()
    return around


def is_before(first: QWidget, second: QWidget) -> bool:
    """Whether a reader comes to ``first`` earlier: it is above, or in the same row at the left.

    What is scrolled out of an area has the place of the area for those outside.
    """
    areas = scroll_area(first), scroll_area(second)
    if areas[0] is not areas[1]:
        first, second = areas[0] or first, areas[1] or second
    one, other = place(first), place(second)
    same_row = one.top() <= other.center().y() <= one.bottom()
    return one.left() < other.left() if same_row else one.top() < other.top()


def check(window: MainWindow, qtbot: QtBot) -> list[QWidget]:
    """Walk round by Tab and by Shift+Tab, and check the order within each column."""
    for _ in range(5):  # a layout may change another one
        QApplication.processEvents()
    for _ in wanted(window):  # Qt takes the buttons beside a checked one out once it had the focus
        qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
    stops = wanted(window)
    assert len(stops) > 8
    forth = walk(window, qtbot, Qt.Key.Key_Tab, len(stops))
    assert set(forth) == stops
    back = walk(window, qtbot, Qt.Key.Key_Backtab, len(stops))
    assert back == [forth[0], *reversed(forth[1:])]
    left, right = window.findChildren(QTabWidget)
    columns = [
        [s for s in forth if left.isAncestorOf(s)],
        [s for s in forth if not left.isAncestorOf(s) and not right.isAncestorOf(s)],
        [s for s in forth if right.isAncestorOf(s)],
    ]
    for column in columns:
        backwards = [
            (one, other)
            for one, other in pairwise([*column, column[0]])
            if not is_before(one, other)
        ]
        assert len(backwards) <= 1, backwards  # from the end of the column to its beginning
    return forth


def generate(session: Session, bridge: FakeBridge) -> None:
    session.runs.generate("Once upon a time")
    bridge.complete(60)


def other_recipe(session: Session, bridge: FakeBridge, recipe: Recipe) -> None:
    pair = recipe.pairs[0]
    more = tuple(replace(pair, name=f"Pair {place}") for place in range(3))
    session.open_recipe(replace(recipe, name="Another", pairs=more))
    bridge.check()
    bridge.finish_load()


def test_on_a_fresh_start(window: MainWindow, qtbot: QtBot) -> None:
    check(window, qtbot)


def test_after_another_recipe(
    window: MainWindow, qtbot: QtBot, loaded_session: Session, bridge: FakeBridge, recipe: Recipe
) -> None:
    other_recipe(loaded_session, bridge, recipe)
    check(window, qtbot)
    loaded_session.remove_pair(0)
    loaded_session.add_pair()
    check(window, qtbot)


def test_after_a_run_and_with_the_inspector_open(
    window: MainWindow, qtbot: QtBot, loaded_session: Session, bridge: FakeBridge, recipe: Recipe
) -> None:
    before = len(check(window, qtbot))
    generate(loaded_session, bridge)
    after = len(check(window, qtbot))
    loaded_session.selection.select(7)
    assert before < after < len(check(window, qtbot))
    other_recipe(loaded_session, bridge, recipe)
    generate(loaded_session, bridge)
    check(window, qtbot)


@pytest.mark.parametrize("size", [(900, 560), (1920, 1080)])
def test_in_windows_of_other_sizes(
    window: MainWindow,
    qtbot: QtBot,
    loaded_session: Session,
    bridge: FakeBridge,
    size: tuple[int, int],
) -> None:
    generate(loaded_session, bridge)
    loaded_session.selection.select(7)
    window.resize(*size)
    check(window, qtbot)


@pytest.mark.parametrize("tab", range(3))
def test_in_every_tab_of_the_columns(
    window: MainWindow, qtbot: QtBot, loaded_session: Session, bridge: FakeBridge, tab: int
) -> None:
    generate(loaded_session, bridge)
    loaded_session.selection.select(7)
    for tabs in window.findChildren(QTabWidget):
        tabs.setCurrentIndex(min(tab, tabs.count() - 1))
    check(window, qtbot)


def test_with_everything_open_that_can_open(
    window: MainWindow, qtbot: QtBot, loaded_session: Session, bridge: FakeBridge
) -> None:
    generate(loaded_session, bridge)
    before = len(check(window, qtbot))
    window._what_if.enter()
    loaded_session.report(TuneshiftError("It failed", evidence="so", next_step="Try again."))
    assert len(check(window, qtbot)) > before + 3


def test_the_focus_is_scrolled_into_view(
    window: MainWindow, qtbot: QtBot, loaded_session: Session, bridge: FakeBridge, recipe: Recipe
) -> None:
    other_recipe(loaded_session, bridge, recipe)
    window.resize(900, 560)
    for key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
        for _ in wanted(window):
            qtbot.keyClick(window.focusWidget(), key)
            QApplication.processEvents()
            focused = window.focusWidget()
            assert focused is not None
            shown = focused.viewport() if isinstance(focused, QAbstractScrollArea) else focused
            assert not shown.visibleRegion().isEmpty(), focused


def test_the_window_works_after_tab(
    window: MainWindow, loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    check(window, qtbot)
    loaded_session.runs.generate("Once")  # menus that no Python object held were invalid after Tab
    bridge.complete(3)
    assert loaded_session.runs.current is not None


def test_tab_goes_through_a_conversation(
    window: MainWindow, loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    loaded_session.mode.choose(True)
    for seed, message in enumerate("ab"):
        assert loaded_session.chat.send(message)
        bridge.complete(4, seed=seed)
        QApplication.processEvents()
    window.chat.entry.setFocus()
    stops = check(window, qtbot)
    assert {view.answer.tokens for view in window.chat.turns} <= set(stops)
