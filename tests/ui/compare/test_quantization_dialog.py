"""Tests of the dialog that compares a run with its quantizations."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.checkpoints.spec import CheckpointSpec
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
    assert not dialog.score.isEnabled()
    with qtbot.waitSignal(session.load_changed):
        score(bridge, session, dialog, before=0)
    load = bridge.last(Load)
    assert isinstance(load, Load)
    assert {spec.quantization for spec in load.recipe.checkpoints()} == {"nf4"}
    assert dialog.message.text() == "Loading the models …"
    bridge.finish_load()
    with qtbot.waitSignal(dialog.accepted):
        score(bridge, session, dialog, before=60)
    compared = window.findChild(CompareDialog)
    assert [column.run for column in compared.columns] == session.runs.all[1:]
    assert [run.name.split(":")[0] for run in session.runs.all[1:]] == ["bfloat16", "nf4"]


def score(bridge: FakeBridge, session: Session, dialog: QuantizationDialog, before: int) -> None:
    """Let the engine score the 60 given tokens; ``before`` are scored in the other weights."""
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    assert command.forced == session.runs.all[0].token_ids
    assert command.fresh
    bridge.start_run()
    bridge.decode(20)
    assert dialog.message.text() == f"{before + 20} of 120 tokens are scored."
    bridge.decode(40, start=20)
    bridge.finish_run(tokens=60)


def test_what_is_wrong_is_said_and_closing_stops_first(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    _, dialog = opened(finished_session, qtbot)
    dialog.score.click()
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


def test_the_dtype_in_force_is_not_offered_as_another(
    finished_session: Session, qtbot: QtBot
) -> None:
    _, dialog = opened(finished_session, qtbot)
    offered = [dialog.weights.itemText(place) for place in range(dialog.weights.count())]
    assert offered == ["float32", "float16", "int8", "nf4"]  # bfloat16 is in force


def test_roles_with_the_same_weights_on_both_sides_are_named(
    finished_session: Session, qtbot: QtBot
) -> None:
    run = finished_session.runs.all[0]
    _, dialog = opened(finished_session, qtbot)
    assert dialog.stored.isHidden()
    at_endpoint = CheckpointSpec("endpoint:http://127.0.0.1:9/v1")
    run.recipe = run.recipe.with_role(0, at_endpoint)
    dialog.open_for(run)
    assert not dialog.stored.isHidden()
    assert dialog.stored.text().endswith("are used as they are stored: base.")
    assert dialog.score.isEnabled()
    for place in range(1, len(run.recipe.checkpoints())):
        run.recipe = run.recipe.with_role(
            place, CheckpointSpec("gguf:/models/a.gguf", engine="llama.cpp")
        )
    dialog.open_for(run)
    assert dialog.weights.count() == 1  # the open recipe has other models
    assert dialog.stored.isHidden()
    assert dialog.score.isEnabled()
    finished_session.open_recipe(run.recipe)
    dialog.open_for(run)
    assert not dialog.score.isEnabled()
    assert "nothing to compare with" in dialog.message.text()
