"""Tests of the Runs menu and its shortcuts: forks, navigation between runs, what-if."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget
from pytestqt.qtbot import QtBot

from app.checkpoints.spec import CheckpointSpec
from app.decoding.types import WhatIfToken
from app.engine.commands import Generate
from app.ui.branches.fork_popup import ForkPopup
from app.ui.chat.chat_view import ChatView
from app.ui.compare.compare_dialog import CompareDialog
from app.ui.menus.generate_menu import GenerateMenu
from app.ui.menus.runs_menu import RunsMenu
from app.ui.state.session import Session
from app.ui.what_if.what_if_bar import WhatIfBar
from tests.ui.conftest import FakeBridge


@pytest.fixture
def window(finished_session: Session, qtbot: QtBot) -> QMainWindow:
    made = QMainWindow()
    qtbot.addWidget(made)
    bar = WhatIfBar(finished_session)
    made.setCentralWidget(QWidget())
    bar.setParent(made.centralWidget())
    made.menuBar().addMenu(RunsMenu(finished_session, made, lambda token: QPoint(0, 0), bar))
    chat = ChatView(finished_session, made)
    chat.hide()
    made.menuBar().addMenu(GenerateMenu(finished_session, made, lambda: "Once upon a time", chat))
    made.show()
    return made


def action(window: QMainWindow, text: str) -> QAction:
    return next(
        a
        for a in window.findChildren(QAction)
        if a.text().replace("&", "").removesuffix(" …") == text
    )


def popup(window: QMainWindow) -> ForkPopup:
    (opened,) = (p for p in window.findChildren(ForkPopup) if p.isVisible())
    return opened


def test_shortcuts_are_unique(window: QMainWindow) -> None:
    keys = [key.toString() for a in window.findChildren(QAction) for key in a.shortcuts()]
    assert len(keys) == len(set(keys))
    assert {"F10", "Ctrl+K", "Alt+Down", "Ctrl+PgDown", "Ctrl+I"} <= set(keys)


def test_a_candidate_is_forked_by_keyboard(
    window: QMainWindow, finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    assert not action(window, "Next alternative").isEnabled()
    finished_session.selection.select(9)
    action(window, "Next alternative").trigger()
    opened = popup(window)
    qtbot.keyClick(opened.field, Qt.Key.Key_Down)
    qtbot.keyClick(opened.field, Qt.Key.Key_Return)
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    assert len(command.kept) == 9
    assert len(command.forced) == 1
    assert not action(window, "Fork here with").isEnabled()  # the run is active


def test_typed_text_continues_after_the_end(
    window: QMainWindow, bridge: FakeBridge, qtbot: QtBot
) -> None:
    action(window, "Continue with your own text").trigger()
    opened = popup(window)
    qtbot.keyClicks(opened.field, " so")
    qtbot.keyClick(opened.field, Qt.Key.Key_Return)
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    assert command.text == " so"


def test_runs_are_shown_compared_removed_and_restored(
    window: QMainWindow, finished_session: Session, bridge: FakeBridge
) -> None:
    runs = finished_session.runs
    assert not action(window, "Compare").isEnabled()
    runs.fork(20)
    bridge.complete(5, seed=1)
    first, branch = runs.all
    action(window, "Previous run").trigger()
    assert runs.current is first
    action(window, "Next run").trigger()
    assert runs.current is branch
    action(window, "Compare").trigger()
    dialog = window.findChild(CompareDialog)
    assert dialog
    assert [column.run for column in dialog.columns] == [first, branch]
    dialog.close()
    assert not action(window, "Restore the removed run").isEnabled()
    action(window, "Remove the shown run").trigger()
    assert runs.all == [first]
    action(window, "Restore the removed run").trigger()
    assert runs.all == [first, branch]


def test_one_token_and_continue(
    window: QMainWindow, finished_session: Session, bridge: FakeBridge
) -> None:
    step, go_on = action(window, "Generate one token"), action(window, "Continue the run")
    step.trigger()
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    assert command.config.max_new_tokens == 61
    assert not step.isEnabled()
    assert not go_on.isEnabled()
    bridge.complete(1)
    go_on.trigger()
    assert finished_session.runs.running


def test_different_tokens_have_shortcuts_once_there_are_some(
    window: QMainWindow, finished_session: Session, bridge: FakeBridge
) -> None:
    action(window, "What if α were different").trigger()
    bar = window.findChild(WhatIfBar)
    assert bar
    assert bar.isVisible()
    following = action(window, "Next different token")
    assert not following.isEnabled()
    finished_session.runs.ask_what_if((2.0, 0.4))
    bridge.answer_what_if(WhatIfToken(7, 2))
    assert following.isEnabled()
    following.trigger()
    assert finished_session.selection.token == 7
    QApplication.processEvents()


def test_what_a_server_that_tunes_cannot_do_is_disabled_with_its_reason(
    window: QMainWindow, finished_session: Session
) -> None:
    finished_session.selection.select(9)
    here = finished_session.recipe.base
    names = ("Fork here with", "What if α were different", "Compare all roles", "Score a text")
    assert all(action(window, name).isEnabled() for name in names)
    there = replace(here, source="endpoint:http://gpu:8000/v1", tuned=True)
    finished_session.set_spec(0, there)
    for name in names:
        assert not action(window, name).isEnabled()
        assert "tuned on a server" in action(window, name).toolTip()
    assert action(window, "Variants").isEnabled()
    finished_session.set_spec(0, here)
    for name in names:
        assert "tuned on a server" not in action(window, name).toolTip()


def test_a_run_of_a_server_that_tunes_cannot_be_scored_in_other_weights(
    window: QMainWindow, finished_session: Session
) -> None:
    compare = action(window, "Compare quantizations")
    assert compare.isEnabled()
    run = finished_session.runs.all[0]
    tuned = CheckpointSpec("endpoint:http://127.0.0.1:9/v1", tuned=True)
    run.recipe = run.recipe.with_role(0, tuned)
    finished_session.runs.run_changed.emit()
    assert not compare.isEnabled()
    assert "tuned on a server" in compare.toolTip()
