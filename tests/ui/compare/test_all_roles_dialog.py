"""Tests of the dialog that compares all roles."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.decoding.types import FinishReason
from app.engine.commands import Generate
from app.engine.events import Failed, RunFinished, RunStats
from app.errors import PromptError
from app.ui.compare.all_roles_dialog import AllRolesDialog
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge
from tests.ui.recording import settle_reading

PROMPT = "Once upon a time"


@pytest.fixture
def dialog(loaded_session: Session, qtbot: QtBot) -> AllRolesDialog:
    made = AllRolesDialog(loaded_session)
    qtbot.addWidget(made)
    made.open_for(PROMPT)
    made.show()
    return made


def end_all(bridge: FakeBridge) -> None:
    for command in bridge.commands:
        if isinstance(command, Generate):
            stats = RunStats(1, 0.01, 50.0, 0)
            bridge.events.emit([RunFinished(command.id, FinishReason.LENGTH, stats)])


def test_one_column_for_each_role_or_group_of_identical_roles(
    dialog: AllRolesDialog,
) -> None:
    names = [column.accessibleName() for column in dialog.columns]
    assert names == [
        "base",
        "expert “Shakespeare”",
        "anti-expert “Shakespeare”; anti-expert “Arithmetic”",
        "expert “Arithmetic”",
        "tuned",
    ]
    assert dialog.message.text() == "0 of 5 have answered."


def test_tokens_appear_in_their_columns(dialog: AllRolesDialog, bridge: FakeBridge) -> None:
    tuned = dialog.columns[-1]
    assert tuned.state.full_text == "waiting …"
    bridge.start_run()  # the run of the last command: tuned
    bridge.decode(4)
    assert tuned.run.text.strip()[:1] in tuned.text.toPlainText()
    assert tuned.state.full_text.startswith("4 tokens")
    assert tuned.state.full_text.endswith("generating …")
    assert dialog.stop.isEnabled()
    end_all(bridge)
    assert tuned.state.full_text == "4 tokens · 50 tokens/s · token limit"
    assert not dialog.stop.isEnabled()
    tuned.copy.click()
    assert QGuiApplication.clipboard().text() == tuned.run.text


def test_an_answer_is_inspected_in_the_window(
    dialog: AllRolesDialog, bridge: FakeBridge, loaded_session: Session
) -> None:
    bridge.decode(4)
    end_all(bridge)
    base, tuned = dialog.columns[0], dialog.columns[-1]
    assert not base.inspect.isEnabled()  # the run has no tokens
    loaded_session.runs.show(base.run)
    tuned.inspect.click()
    assert loaded_session.runs.current is tuned.run
    loaded_session.runs.remove(tuned.run)
    tuned.inspect.click()
    assert loaded_session.runs.current is tuned.run
    assert loaded_session.runs.removed.last is None  # it must not be restorable twice


def test_an_answer_without_kept_logits_is_read_from_the_history(
    loaded_session: Session,
    bridge: FakeBridge,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.ui.state.runs.removed_runs.MOST", 1)
    history, runs = loaded_session.history, loaded_session.runs
    history.open(tmp_path / "history.sqlite3")
    dialog = AllRolesDialog(loaded_session)
    qtbot.addWidget(dialog)
    dialog.open_for(PROMPT)
    bridge.decode(4)
    end_all(bridge)
    tuned = dialog.columns[-1]
    runs.remove(tuned.run)
    runs.remove(dialog.columns[0].run)
    assert history._writer is not None
    assert history._writer.flush(60)
    tuned.inspect.click()
    settle_reading(loaded_session)
    shown = runs.current
    assert shown is not None
    assert shown.token_ids == tuned.run.token_ids
    assert all(len(shown.candidates(token.index).token_ids) for token in shown.tokens)
    history.close()
    assert history.join(60)


def test_escape_stops_all_and_then_closes(
    dialog: AllRolesDialog, bridge: FakeBridge, qtbot: QtBot
) -> None:
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert all(column.run.cancellation.requested() for column in dialog.columns)
    assert dialog.isVisible()
    end_all(bridge)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_the_same_prompt_is_answered_again_only_on_request(
    dialog: AllRolesDialog, bridge: FakeBridge, loaded_session: Session
) -> None:
    end_all(bridge)
    answers = [column.run for column in dialog.columns]
    dialog.open_for(PROMPT)
    assert [column.run for column in dialog.columns] == answers
    loaded_session.set_prompt("Another")
    dialog.ask.click()
    assert [column.run.prompt for column in dialog.columns] == ["Another"] * 5


def test_errors_are_shown_in_the_dialog_too(
    dialog: AllRolesDialog, bridge: FakeBridge, loaded_session: Session
) -> None:
    error = PromptError("The prompt is too long")
    for command in list(bridge.commands):
        if isinstance(command, Generate):
            bridge.events.emit([Failed(command.id, error)])
    assert dialog.message.text() == str(error)
    assert all(column.state.full_text == "failed" for column in dialog.columns)


def test_an_empty_prompt_is_reported(loaded_session: Session, qtbot: QtBot) -> None:
    dialog = AllRolesDialog(loaded_session)
    qtbot.addWidget(dialog)
    dialog.open_for("")
    assert dialog.columns == []
    assert "prompt is empty" in dialog.message.text()
