"""The preview follows the prompt and shows exactly what each role reads."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.checkpoints.preflight_report import RolePrompt
from app.engine.commands import Check
from app.engine.events import Failed
from app.errors import CheckpointError
from app.ui.recipe.prompt_dialogs import show_preview
from app.ui.recipe.prompt_preview import PromptPreview
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge, invent_preflight


@pytest.fixture
def preview(qtbot: QtBot, loaded_session: Session, bridge: FakeBridge) -> PromptPreview:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    loaded_session.set_prompt("Once\tupon a\ntime")
    preview = show_preview(loaded_session, window, 1)
    bridge.check(kind=Check)
    preview.keep = window  # type: ignore[attr-defined]
    return preview


def questions(bridge: FakeBridge) -> list[str]:
    return [command.prompt for command in bridge.commands if isinstance(command, Check)]


def shown_tokens(preview: PromptPreview) -> list[tuple[str, str, str]]:
    model = preview.tokens
    return [
        tuple(model.data(model.index(row, column)) for column in range(3))  # type: ignore[misc]
        for row in range(model.rowCount())
    ]


def words(preview: PromptPreview) -> list[str]:
    return [label.text() for label in preview.findChildren(QLabel)]


def answer(bridge: FakeBridge, session: Session, *prompts: RolePrompt) -> None:
    found = invent_preflight(session.recipe, session.prompt)
    rest = found.prompts[len(prompts) :]
    bridge.check(replace(found, prompts=(*prompts, *rest)), kind=Check)


def test_the_prompt_is_shown_as_text_and_as_tokens(preview: PromptPreview) -> None:
    assert preview.roles.currentItem().text() == "expert “Shakespeare”"
    assert preview.text.toPlainText() == "Once\tupon a\ntime"
    assert shown_tokens(preview) == [("1", "0", "“Once⇥upon”"), ("2", "1", "“ a↵time”")]
    assert "2 of 512 tokens · same as the base" in words(preview)


@pytest.mark.slow
def test_typing_is_followed_after_a_pause_and_once(
    qtbot: QtBot, preview: PromptPreview, session: Session, bridge: FakeBridge
) -> None:
    before = len(questions(bridge))
    for prompt in ("a", "a b", "a b c"):
        session.set_prompt(prompt)
    assert len(questions(bridge)) == before
    qtbot.waitUntil(lambda: len(questions(bridge)) > before)
    assert questions(bridge)[before:] == ["a b c"]
    assert preview.text.toPlainText() == "Once\tupon a\ntime"
    bridge.check(kind=Check)
    assert preview.text.toPlainText() == "a b c"


def test_an_answer_about_another_prompt_is_not_shown(
    preview: PromptPreview, session: Session, bridge: FakeBridge
) -> None:
    session.check("old")
    session.set_prompt("new")
    bridge.check(kind=Check)
    assert preview.text.toPlainText() == "Once\tupon a\ntime"
    assert any("Reading" in text for text in words(preview))


def test_what_is_wrong_with_a_prompt_is_said(
    preview: PromptPreview, session: Session, bridge: FakeBridge
) -> None:
    session.check(session.prompt)
    wrong = RolePrompt("base", "", (), (), 512, False, "The model has no chat template.")
    answer(bridge, session, wrong)
    preview.show_place(0)
    assert preview.count.text() == "The model has no chat template."
    assert preview.count.property("role") == "error"
    assert shown_tokens(preview) == []
    preview.show_place(1)
    assert preview.count.property("role") == "caption"


def test_a_check_that_fails_is_said_here(
    preview: PromptPreview, session: Session, bridge: FakeBridge
) -> None:
    session.check(session.prompt)
    error = CheckpointError("There is no folder /x")
    bridge.events.emit([Failed(bridge.last(Check).id, error)])
    assert str(error) in words(preview)
    assert session.problem is None


@pytest.mark.slow
def test_a_changed_recipe_is_asked_about(
    qtbot: QtBot, preview: PromptPreview, session: Session, bridge: FakeBridge
) -> None:
    before = len(questions(bridge))
    session.remove_pair(1)
    qtbot.waitUntil(lambda: len(questions(bridge)) > before)
    bridge.check(kind=Check)
    assert preview.roles.count() == 4  # three roles, and all of them side by side


def test_a_context_without_a_limit(
    preview: PromptPreview, session: Session, bridge: FakeBridge
) -> None:
    session.check(session.prompt)
    answer(bridge, session, RolePrompt("base", "a b", (7, 9), ("a", " b"), None, True))
    preview.show_place(0)
    assert preview.count.text() == "2 tokens · the model's chat template is not used"


def test_it_is_open_once(preview: PromptPreview, session: Session) -> None:
    assert show_preview(session, preview, 2) is preview
    assert preview.roles.currentRow() == 2


def test_keys_alone_reach_everything(qtbot: QtBot, preview: PromptPreview) -> None:
    preview.activateWindow()
    preview.roles.setFocus()
    qtbot.keyClick(preview.roles, Qt.Key.Key_Down)
    assert preview.roles.currentRow() == 2
    reached = set()
    for _ in range(8):
        focus = QApplication.focusWidget()
        assert focus is not None
        reached.add(focus)
        qtbot.keyClick(focus, Qt.Key.Key_Tab)
    assert {preview.roles, preview.text, preview.table} <= reached
    assert all(widget.accessibleName() or widget.text() for widget in reached)  # type: ignore[attr-defined]
