"""Tests of several variants of one prompt: new seeds, one after another, side by side."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.engine.commands import Generate
from app.ui.compare.variants_dialog import VariantsDialog
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge

pytestmark = pytest.mark.slow


@pytest.fixture
def dialog(qtbot: QtBot, loaded_session: Session) -> VariantsDialog:
    loaded_session.set_prompt("Once upon a time")
    made = VariantsDialog(loaded_session)
    qtbot.addWidget(made)
    made.show()
    made.open_for("Once upon a time")
    made.count.setValue(3)
    return made


def press(qtbot: QtBot, dialog: VariantsDialog) -> None:
    qtbot.mouseClick(dialog.ask, Qt.MouseButton.LeftButton)


def asked(bridge: FakeBridge) -> list[Generate]:
    return [command for command in bridge.commands if isinstance(command, Generate)]


def test_variants_have_new_seeds_and_stand_side_by_side(
    dialog: VariantsDialog, qtbot: QtBot, bridge: FakeBridge
) -> None:
    press(qtbot, dialog)
    for count in (1, 2, 3):
        qtbot.waitUntil(lambda count=count: len(asked(bridge)) == count)
        bridge.complete(5, seed=count)
    assert len({command.config.seed for command in asked(bridge)}) == 3
    titles = [column.accessibleName() for column in dialog.columns]
    assert titles == [f"Seed {command.config.seed}" for command in asked(bridge)]
    assert len({column.run.text for column in dialog.columns}) == 3
    assert dialog.ask.isEnabled()
    assert any(label.text() in titles for label in dialog.columns[0].findChildren(QLabel))


def test_a_pinned_seed_does_not_make_equal_variants(
    dialog: VariantsDialog, qtbot: QtBot, bridge: FakeBridge, loaded_session: Session
) -> None:
    loaded_session.set_seed(41)
    press(qtbot, dialog)
    bridge.complete(5)
    qtbot.waitUntil(lambda: len(asked(bridge)) == 2)
    assert asked(bridge)[0].config.seed != asked(bridge)[1].config.seed


def test_a_stopped_variant_is_the_last_one(
    dialog: VariantsDialog, qtbot: QtBot, bridge: FakeBridge
) -> None:
    press(qtbot, dialog)
    qtbot.mouseClick(dialog.stop, Qt.MouseButton.LeftButton)
    bridge.fail_run(None)
    assert dialog.variants.waiting == 0
    assert len(asked(bridge)) == 1
    assert dialog.ask.isEnabled()


def test_variants_of_an_answer_answer_the_same_message(
    dialog: VariantsDialog, qtbot: QtBot, bridge: FakeBridge, loaded_session: Session
) -> None:
    loaded_session.mode.choose(True)
    chat = loaded_session.chat
    chat.send("the king?")
    bridge.complete(4)
    press(qtbot, dialog)
    for count in (2, 3, 4):
        qtbot.waitUntil(lambda count=count: len(asked(bridge)) == count)
        bridge.complete(4, seed=count)
    assert len(chat.turns) == 1
    assert len(chat.versions(0)) == 4
