"""Tests of the Runs tab by mouse and keyboard."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from app.decoding.types import FinishReason
from app.ui.branches.run_tree import DETAIL_ROLE, SHOWN_ROLE, RunTree
from app.ui.branches.runs_panel import RunsPanel
from app.ui.compare.compare_dialog import CompareDialog
from app.ui.state.runs.runs import Runs
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge


@pytest.fixture
def runs(finished_session: Session) -> Runs:
    return finished_session.runs


@pytest.fixture
def panel(finished_session: Session, qtbot: QtBot) -> RunsPanel:
    made = RunsPanel(finished_session)
    qtbot.addWidget(made)
    made.show()
    made.tree.setFocus()
    return made


def fork(runs: Runs, bridge: FakeBridge, index: int, seed: int = 1) -> None:
    runs.fork(index)
    bridge.complete(8, seed=seed)


def titles(tree: RunTree, parent: QModelIndex | None = None) -> list[object]:
    """Titles of the tree: those with branches as (title, branches)."""
    parent = parent or QModelIndex()
    found: list[object] = []
    for row in range(tree.rowCount(parent)):
        index = tree.index(row, 0, parent)
        below = titles(tree, index)
        found.append((index.data(), below) if below else index.data())
    return found


def test_branches_are_below_their_parents(runs: Runs, bridge: FakeBridge) -> None:
    tree = RunTree(runs)
    QAbstractItemModelTester(tree)
    first = runs.current
    assert first
    runs.rename(first, "first")
    fork(runs, bridge, 20)
    branch = runs.current
    assert branch
    runs.rename(branch, "branch")
    fork(runs, bridge, 24, seed=2)
    assert runs.current
    runs.rename(runs.current, "twig")
    runs.show(first)
    fork(runs, bridge, 5, seed=3)
    assert runs.current
    runs.rename(runs.current, "other")
    assert titles(tree) == [("first", [("branch", ["twig"]), "other"])]
    runs.remove(branch)
    assert titles(tree) == [("first", ["twig", "other"])]
    runs.restore()
    assert titles(tree) == [("first", [("branch", ["twig"]), "other"])]


def test_an_item_shows_the_state_of_its_run(runs: Runs, bridge: FakeBridge) -> None:
    tree = RunTree(runs)
    first = runs.current
    assert first
    index = tree.index_of(first)
    assert index.data(DETAIL_ROLE) == "60 tokens · token limit"
    assert index.data(SHOWN_ROLE) is True
    runs.fork(20)
    branch = runs.current
    assert branch
    assert tree.index_of(branch).data(DETAIL_ROLE) == "from token 21 · 20 tokens · generating …"
    bridge.decode(1, start=20, seed=1)
    bridge.finish_run(FinishReason.EOS)
    assert tree.index_of(branch).data(DETAIL_ROLE) == "from token 21 · 21 tokens · end of text"
    own = branch.tokens[20].text
    assert own.strip()
    assert tree.index_of(branch).data() == f"“{own}”"
    assert tree.index_of(first).data(SHOWN_ROLE) is False
    assert "Once upon a time" in tree.index_of(branch).data(Qt.ItemDataRole.ToolTipRole)
    spoken = tree.index_of(branch).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken.endswith("shown")


def test_answers_of_all_roles_are_below_one_heading(
    loaded_session: Session, bridge: FakeBridge
) -> None:
    runs = loaded_session.runs
    tree = RunTree(runs)
    QAbstractItemModelTester(tree)
    runs.generate_all_roles("Once upon a time")
    assert titles(tree) == [
        (
            "All roles: “Once upon a time”",
            [
                "base",
                "expert “Shakespeare”",
                "anti-expert “Shakespeare”",
                "expert “Arithmetic”",
                "tuned",
            ],
        )
    ]
    heading = tree.index(0, 0)
    assert tree.run_at(heading) is None
    assert not tree.flags(heading) & Qt.ItemFlag.ItemIsSelectable


def test_selecting_a_run_shows_it(panel: RunsPanel, runs: Runs, bridge: FakeBridge) -> None:
    first = runs.current
    fork(runs, bridge, 20)
    branch = runs.current
    assert panel.chosen() == [branch]
    panel.tree.setCurrentIndex(panel.model.index_of(first))
    assert runs.current is first
    runs.move(1)
    assert panel.chosen() == [branch]
    runs.move(5)
    assert runs.current is branch
    runs.move(-1)
    assert runs.current is first


def test_a_run_started_by_a_shortcut_is_the_only_one_selected(
    panel: RunsPanel, runs: Runs, bridge: FakeBridge, qtbot: QtBot
) -> None:
    with qtbot.waitExposed(panel):
        panel.show()
    QTest.keyPress(panel.windowHandle(), Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.keyboardModifiers() == Qt.KeyboardModifier.ControlModifier
    fork(runs, bridge, 1)
    QTest.keyRelease(panel.windowHandle(), Qt.Key.Key_Return)
    assert panel.chosen() == [runs.current]


def test_names_are_edited_in_place(panel: RunsPanel, runs: Runs, qtbot: QtBot) -> None:
    assert runs.current
    rename = next(action for action in panel.tree.actions() if action.text() == "Rename")
    assert rename.shortcut().toString() == "F2"
    rename.trigger()
    editor = panel.tree.findChild(QLineEdit)
    assert editor
    qtbot.keyClicks(editor, "A good one ")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(runs.current and runs.current.name))  # Qt commits the edit later
    assert runs.current.name == "A good one"
    assert panel.model.index_of(runs.current).data() == "A good one"


def test_a_removed_run_can_be_restored(
    panel: RunsPanel, runs: Runs, bridge: FakeBridge, qtbot: QtBot
) -> None:
    fork(runs, bridge, 20)
    branch = runs.current
    assert not panel.undo.isVisible()
    qtbot.keyClick(panel.tree, Qt.Key.Key_Delete)
    assert branch not in runs.all
    assert panel.undo.isVisible()
    qtbot.mouseClick(panel.undo, Qt.MouseButton.LeftButton)
    assert runs.current is branch
    assert not panel.undo.isVisible()


def test_two_selected_runs_are_compared(
    panel: RunsPanel, runs: Runs, bridge: FakeBridge, qtbot: QtBot
) -> None:
    first = runs.current
    fork(runs, bridge, 20)
    branch = runs.current
    model = panel.tree.selectionModel()
    model.select(panel.model.index_of(first), QItemSelectionModel.SelectionFlag.Select)
    assert runs.current is branch  # selecting two runs does not change the shown one
    qtbot.keyClick(panel.tree, Qt.Key.Key_Return)
    dialog = panel.window().findChild(CompareDialog)
    assert dialog
    assert [column.run for column in dialog.columns] == [first, branch]
    dialog.close()


def test_the_context_menu_acts_on_its_run(panel: RunsPanel, runs: Runs, bridge: FakeBridge) -> None:
    first = runs.current
    assert first
    fork(runs, bridge, 20)
    branch = runs.current
    menu = panel.make_menu(first, panel.model.index_of(first))
    enabled = {action.text(): action.isEnabled() for action in menu.actions() if action.text()}
    assert enabled["Compare with the shown run"]
    assert not enabled["Compare with its parent run"]
    next(action for action in menu.actions() if action.text() == "Show").trigger()
    assert runs.current is first
    assert branch in runs.all


def test_without_runs_an_explanation_is_shown(session: Session, qtbot: QtBot) -> None:
    panel = RunsPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    assert not panel.tree.isVisible()


def test_the_answers_of_a_conversation_stand_under_its_first_message(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    panel = RunsPanel(loaded_session)
    qtbot.addWidget(panel)
    for seed, message in enumerate(("Where is the king?", "And the queen?")):
        assert loaded_session.chat.send(message)
        bridge.complete(4, seed=seed)
    model = panel.model
    assert model.rowCount() == 1
    heading = model.index(0, 0)
    assert model.run_at(heading) is None
    assert "Where is the king?" in heading.data()
    answers = [model.run_at(model.index(row, 0, heading)) for row in range(model.rowCount(heading))]
    assert answers == loaded_session.runs.all
    assert "turn 2" in model.index(1, 0, heading).data(DETAIL_ROLE)
