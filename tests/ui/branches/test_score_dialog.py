"""Tests of the dialog that scores a given text."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from pytestqt.qtbot import QtBot

from app.engine.commands import Generate
from app.errors import PromptError
from app.ui.branches.score_dialog import ScoreDialog
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge


@pytest.fixture
def dialog(loaded_session: Session, qtbot: QtBot) -> ScoreDialog:
    made = ScoreDialog(loaded_session, "Once upon a time")
    qtbot.addWidget(made)
    made.show()
    return made


def test_the_text_is_scored_after_the_prompt(
    dialog: ScoreDialog, bridge: FakeBridge, loaded_session: Session, qtbot: QtBot
) -> None:
    assert not dialog.score.isEnabled()
    qtbot.keyClicks(dialog.text, " the king")
    assert dialog.message.text() == "9 characters"
    qtbot.keyClick(dialog.text, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    assert (command.prompt, command.text) == ("Once upon a time", " the king")
    assert dialog.isVisible()
    bridge.decode(2)
    bridge.finish_run()
    assert not dialog.isVisible()
    assert loaded_session.runs.current
    assert loaded_session.runs.current.scored


def test_a_missing_space_is_visible(dialog: ScoreDialog, qtbot: QtBot) -> None:
    qtbot.keyClicks(dialog.text, "there")
    assert "upon a timethere…" in dialog.message.text()


def test_typed_text_is_kept_if_scoring_fails(
    dialog: ScoreDialog, bridge: FakeBridge, qtbot: QtBot
) -> None:
    dialog.text.setPlainText(" word" * 50_000)
    dialog.score.click()
    error = PromptError("The text is longer than the context of the models")
    bridge.fail_run(error)
    assert dialog.isVisible()
    assert dialog.message.text() == str(error)
    assert len(dialog.text.toPlainText()) == 250_000
    assert dialog.score.isEnabled()


def test_a_dropped_file_is_read(dialog: ScoreDialog, tmp_path: Path) -> None:
    file = tmp_path / "answer.txt"
    file.write_text("한 line\nanother", encoding="utf-8")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(file))])
    assert dialog.text.canInsertFromMimeData(data)
    dialog.text.insertFromMimeData(data)
    assert dialog.text.toPlainText() == "한 line\nanother"


def test_nothing_is_scored_while_a_run_is_active(
    dialog: ScoreDialog, bridge: FakeBridge, loaded_session: Session
) -> None:
    dialog.text.setPlainText(" the")
    loaded_session.runs.generate("Another")
    assert not dialog.score.isEnabled()
    assert "being generated" in dialog.message.text()
    bridge.finish_run()
    assert dialog.score.isEnabled()
    assert dialog.isVisible()  # the run that ended was not from this dialog
