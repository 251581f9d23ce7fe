"""Tests of the dialog that compares a run with its quantizations."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.engine.commands import Generate, Load
from app.errors import ModelError
from app.ui.compare.compare_dialog import CompareDialog
from app.ui.compare.quantization_dialog import QuantizationDialog, show_quantizations
from app.ui.state.runs.rescoring import Rescoring
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge


def opened(session: Session, qtbot: QtBot) -> tuple[QWidget, QuantizationDialog]:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    show_quantizations(session, Rescoring(session, session), window)
    return window, window.findChild(QuantizationDialog)


def test_a_run_is_scored_again_and_compared_by_keyboard(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    session = finished_session
    window, dialog = opened(session, qtbot)
    assert dialog.weights.currentText() == "int8"
    qtbot.keyClicks(dialog.weights, "nf4")
    qtbot.keyClick(dialog.score, Qt.Key.Key_Space)
    load = bridge.last(Load)
    assert isinstance(load, Load)
    assert {spec.quantization for spec in load.recipe.checkpoints()} == {"nf4"}
    assert dialog.message.text() == "Loading the models …"
    assert not dialog.score.isEnabled()
    bridge.finish_load()
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    assert command.forced == session.runs.all[0].token_ids
    bridge.start_run()
    bridge.decode(20)
    assert dialog.message.text() == "20 of 60 tokens are scored."
    bridge.decode(40, start=20)
    with qtbot.waitSignal(dialog.accepted):
        bridge.finish_run(tokens=60)
    compared = window.findChild(CompareDialog)
    assert [column.run for column in compared.columns] == session.runs.all
    assert session.runs.all[1].name.startswith("nf4: ")


def test_what_is_wrong_is_said_and_closing_stops_first(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    _, dialog = opened(finished_session, qtbot)
    dialog.score.click()
    bridge.finish_load()
    dialog.reject()
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    assert command.cancellation.requested()
    assert dialog.isVisible()
    bridge.fail_run(None)
    qtbot.waitUntil(dialog.score.isEnabled)
    dialog.reject()
    assert not dialog.isVisible()


def test_what_is_wrong_with_one_run_is_not_said_of_another(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    session = finished_session
    _, dialog = opened(session, qtbot)
    dialog.score.click()
    bridge.finish_load()
    bridge.fail_run(ModelError("Out of numbers"))
    qtbot.waitUntil(dialog.score.isEnabled)
    run = session.runs.all[0]
    dialog.open_for(run)
    assert "Out of numbers" in dialog.message.text()
    session.runs.generate("Another")
    bridge.start_run()
    bridge.decode(3)
    bridge.finish_run(tokens=3)
    dialog.open_for(session.runs.all[-1])
    assert not dialog.message.text()
