"""The menu of a token: by mouse and by keyboard, in the text and in the plot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, QSettings, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QMenu, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.engine.commands import Generate
from app.ui.branches.fork_popup import ForkPopup
from app.ui.compare.compare_dialog import CompareDialog
from app.ui.main_window import MainWindow
from app.ui.menus.token_actions import TokenActions
from app.ui.menus.token_menu import TokenMenu
from app.ui.plot.shift_plot import ShiftPlot
from app.ui.recipe.bias_field import BiasField
from app.ui.state.session import Session
from app.ui.text.find_bar import FindBar
from app.wording import quoted
from tests.ui.conftest import FakeBridge
from tests.ui.history.conftest import settle_background
from tests.ui.state.records.test_run_history import generate, runs

CONTROL = Qt.KeyboardModifier.ControlModifier
ALT_SHIFT = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier
KEYBOARD, MOUSE = QContextMenuEvent.Reason.Keyboard, QContextMenuEvent.Reason.Mouse


@pytest.fixture
def window(kept: Session, bridge: FakeBridge, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    generate(kept, bridge, "Once", 24)
    runs(kept)
    made = MainWindow(kept, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(made)
    made.add_plot()
    made.resize(1200, 800)
    with qtbot.waitExposed(made):
        made.show()
    return made


def ask(
    widget: QWidget, point: QPoint, reason: QContextMenuEvent.Reason = MOUSE
) -> QContextMenuEvent:
    event = QContextMenuEvent(reason, point, widget.mapToGlobal(point))
    QApplication.sendEvent(widget, event)
    return event


def opened(window: MainWindow) -> TokenMenu:
    (menu,) = (each for each in window.findChildren(TokenMenu) if each.isVisible())
    return menu


def texts(menu: QMenu) -> list[str]:
    return [each.text().replace("&", "") for each in menu.actions() if each.text()]


def trigger(menu: QMenu, start: str) -> None:
    (action,) = (a for a in menu.actions() if a.text().replace("&", "").startswith(start))
    assert action.isEnabled()
    action.trigger()
    menu.close()


def point_of(edit: QPlainTextEdit, window: MainWindow, token: int) -> QPoint:
    place = window.transcript.text.place_below(token)
    return edit.viewport().mapFromGlobal(place) + QPoint(3, -4)


def test_a_right_click_selects_the_token_and_offers_what_can_be_done(
    window: MainWindow, kept: Session
) -> None:
    edit = window.transcript.text
    ask(edit.viewport(), point_of(edit, window, 7))
    assert kept.selection.token == 7
    run = kept.runs.current
    assert run is not None
    menu = opened(window)
    assert f"id {run.tokens[7].token_id}" in texts(menu)[0]
    assert {"Fork here with …", "Next alternative", "What if α were different …"} <= set(
        texts(menu)
    )
    assert "Copy" not in texts(menu)
    trigger(menu, "Copy the text")
    assert QGuiApplication.clipboard().text() == run.tokens[7].text


def test_the_menu_key_opens_it_for_the_selected_token(window: MainWindow, kept: Session) -> None:
    kept.selection.select(3)
    edit = window.transcript.text
    ask(edit, QPoint(0, 0), KEYBOARD)
    menu = opened(window)
    assert kept.selection.token == 3
    trigger(menu, "Fork here")
    (popup,) = (each for each in window.findChildren(ForkPopup) if each.isVisible())
    popup.close()


def test_a_range_is_kept_where_the_click_is_inside_it(window: MainWindow, kept: Session) -> None:
    kept.selection.select_range((4, 9))
    edit = window.transcript.text
    ask(edit.viewport(), point_of(edit, window, 6))
    assert kept.selection.range == (4, 9)
    run = kept.runs.current
    assert run is not None
    trigger(opened(window), "Copy the text of 5 tokens")
    assert QGuiApplication.clipboard().text() == "".join(t.text for t in run.tokens[4:9])
    ask(edit.viewport(), point_of(edit, window, 12))
    assert kept.selection.range is None
    opened(window).close()


def test_id_and_numbers_are_copied(window: MainWindow, kept: Session) -> None:
    kept.selection.select(5)
    run = kept.runs.current
    assert run is not None
    edit = window.transcript.text
    ask(edit, QPoint(0, 0), KEYBOARD)
    trigger(opened(window), "Copy the token id")
    assert QGuiApplication.clipboard().text() == str(run.tokens[5].token_id)
    ask(edit, QPoint(0, 0), KEYBOARD)
    trigger(opened(window), "Copy all numbers")
    settle_background(kept)
    (copied,) = json.loads(QGuiApplication.clipboard().text())
    assert (copied["index"], copied["token_id"]) == (5, run.tokens[5].token_id)
    assert copied["candidates"]["token_ids"]


def test_the_same_token_is_found_elsewhere(window: MainWindow, kept: Session) -> None:
    run = kept.runs.current
    assert run is not None
    ids = [token.token_id for token in run.tokens]
    first = next(place for place, each in enumerate(ids) if ids.count(each) > 1)
    kept.selection.select(first)
    ask(window.transcript.text, QPoint(0, 0), KEYBOARD)
    menu = opened(window)
    trigger(menu, "Next same token")
    second = ids.index(ids[first], first + 1)
    assert kept.selection.token == second
    trigger(menu, "Previous same token")
    assert kept.selection.token == first
    bar = window.findChild(FindBar)
    assert bar is not None
    for _ in range(2):  # also when the bar still has the query, closed with Esc
        trigger(menu, "Find the same token")
        assert bar.count.text() == f"1 of {ids.count(ids[first])}"
        assert list(kept.selection.found.tokens) == [
            i for i, id_ in enumerate(ids) if id_ == ids[first]
        ]
        bar.leave()
        assert not kept.selection.found.tokens


def key(window: MainWindow, qtbot: QtBot, name: Qt.Key, modifiers: Qt.KeyboardModifier) -> None:
    qtbot.keyClick(window.transcript.text, name, modifiers)


def test_bookmarks_are_set_and_visited_by_keys(
    window: MainWindow, kept: Session, qtbot: QtBot
) -> None:
    text, run = window.transcript.text, kept.runs.current
    assert run is not None
    text.setFocus()
    before = text.viewport().grab().toImage()
    for token in (11, 4, 17):
        kept.selection.select(token)
        key(window, qtbot, Qt.Key.Key_M, CONTROL)
    assert kept.selection.bookmarks.tokens == [4, 11, 17]
    seen = []
    for _ in range(3):
        key(window, qtbot, Qt.Key.Key_Right, ALT_SHIFT)
        seen.append(kept.selection.token)
    assert seen == [4, 11, 17]
    key(window, qtbot, Qt.Key.Key_Left, ALT_SHIFT)
    assert kept.selection.token == 11
    (plot,) = window.findChildren(ShiftPlot)
    assert len(plot.pane.marks.ticks.pixels(kept.selection.bookmarks.tokens)) == 3
    kept.selection.select(None)
    assert text.viewport().grab().toImage() != before
    kept.runs.fork(9, token_id=run.tokens[9].token_id)
    assert kept.selection.bookmarks.tokens == [4]  # what the branch shares
    kept.runs.show(run)
    kept.selection.select(4)
    key(window, qtbot, Qt.Key.Key_M, CONTROL)
    assert run.bookmarks == {11, 17}


def test_a_token_is_excluded_and_that_can_be_undone(
    window: MainWindow, kept: Session, bridge: FakeBridge
) -> None:
    run = kept.runs.current
    assert run is not None
    kept.selection.select(5)
    excluded = run.tokens[5].token_id
    ask(window.transcript.text, QPoint(0, 0), KEYBOARD)
    trigger(opened(window), "Never sample")
    assert kept.recipe.sampling.logit_bias == ((excluded, -100.0),)
    field = window.findChild(BiasField)
    assert not field.isHidden()
    (button,) = field.findChildren(QPushButton)
    assert button.text().startswith(quoted(run.label(excluded)))
    kept.runs.generate("Once")
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    assert command.config.logit_bias == ((excluded, -100.0),)
    bridge.complete(3)
    button.click()
    assert kept.recipe.sampling.logit_bias == ()
    assert field.isHidden()
    kept.undo_stack.undo()
    assert kept.recipe.sampling.logit_bias == ((excluded, -100.0),)
    kept.undo_stack.undo()
    assert kept.recipe.sampling.logit_bias == ()


def test_the_token_is_compared_in_another_run(
    window: MainWindow, kept: Session, bridge: FakeBridge
) -> None:
    first = kept.runs.current
    generate(kept, bridge, "Once", 24)
    kept.selection.select(6)
    (menu,) = window.findChildren(TokenActions)
    (runs_,) = (a.menu() for a in menu.actions() if a.text().replace("&", "") == "Compare with")
    assert isinstance(runs_, QMenu)
    runs_.aboutToShow.emit()
    (action,) = runs_.actions()
    action.trigger()
    dialog = window.findChild(CompareDialog)
    assert dialog is not None
    assert [column.run for column in dialog.columns] == [first, kept.runs.current]
    assert dialog._chosen == 6
    dialog.close()


def test_the_plot_has_the_menu_of_the_token_and_its_own(
    window: MainWindow, kept: Session, qtbot: QtBot
) -> None:
    (plot,) = window.findChildren(ShiftPlot)
    viewport = plot.pane.viewport()
    place = plot.pane.mapFromScene(plot.pane.tokens.mapViewToScene(QPointF(9, 0.5)))
    ask(viewport, place)
    assert not any(each.isVisible() for each in window.findChildren(QMenu))
    qtbot.mouseClick(viewport, Qt.MouseButton.RightButton, pos=place)
    assert kept.selection.token == 9
    menu = opened(window)
    assert {"Fork here with …", "Show all tokens", "Lines and bars", "Copy picture"} <= set(
        texts(menu)
    )
    trigger(menu, "Copy picture")
    assert QGuiApplication.clipboard().pixmap().size() == plot.grab().size()
    ask(viewport, QPoint(0, 0), KEYBOARD)
    opened(window).close()


def test_lines_are_switched_in_the_menu_of_the_plot(window: MainWindow, kept: Session) -> None:
    (plot,) = window.findChildren(ShiftPlot)
    ask(plot.pane.viewport(), QPoint(0, 0), KEYBOARD)
    menu = opened(window)
    (lines,) = (a.menu() for a in menu.actions() if a.text().replace("&", "") == "Lines and bars")
    assert isinstance(lines, QMenu)
    trigger(lines, "KL")
    assert "kl" not in kept.display.hidden
    menu.close()
