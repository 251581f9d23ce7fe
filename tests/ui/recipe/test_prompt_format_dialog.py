"""The dialog of the prompt format: set once for the recipe, with exceptions, in one change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QDialogButtonBox, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.checkpoints.preflight_report import Preflight
from app.checkpoints.spec import CHAT, PERSONA_TEMPLATE, PLAIN, PromptFormat
from app.engine.commands import Load
from app.ui.main_window import MainWindow
from app.ui.recipe.prompt_dialogs import show_prompt_format
from app.ui.recipe.prompt_fields import FOLLOWS
from app.ui.recipe.prompt_format_dialog import PromptFormatDialog
from app.ui.recipe.prompt_format_line import PromptFormatLine
from app.ui.recipe.prompt_preview import PromptPreview
from app.ui.recipe.role_options import RoleOptions
from app.ui.state.session import Session
from app.ui.widgets.form_controls import ChoiceBox
from tests.ui.conftest import FakeBridge, invent_preflight

CHATTING = (1, 3)  # the experts of the recipe


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    return window


@pytest.fixture
def main(qtbot: QtBot, loaded_session: Session, tmp_path: Path) -> MainWindow:
    store = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    window = MainWindow(loaded_session, store)
    qtbot.addWidget(window)
    window.show()
    return window


def mixed(session: Session) -> Preflight:
    """A check in which only the experts have a chat template."""
    found = invent_preflight(session.recipe)
    prompts = tuple(
        replace(prompt, has_chat_template=place in CHATTING)
        for place, prompt in enumerate(found.prompts)
    )
    return replace(found, prompts=prompts)


@pytest.fixture
def dialog(session: Session, bridge: FakeBridge, window: QWidget) -> PromptFormatDialog:
    session.load()
    bridge.ready()
    bridge.check(mixed(session))
    bridge.finish_load()
    return show_prompt_format(session, window)


def pick(box: ChoiceBox, kind: str) -> None:
    box.setCurrentIndex(box.findData(kind))


def press(dialog: PromptFormatDialog, kind: QDialogButtonBox.StandardButton) -> None:
    dialog.findChild(QDialogButtonBox).button(kind).click()


def words(dialog: PromptFormatDialog) -> str:
    return "\n".join(label.text() for label in dialog.findChildren(QLabel) if label.isVisible())


def test_a_format_reaches_all_roles_with_one_check(
    dialog: PromptFormatDialog, session: Session, bridge: FakeBridge
) -> None:
    before, loads = session.recipe, sum(isinstance(c, Load) for c in bridge.commands)
    pick(dialog.common.kind, CHAT)
    dialog.common.system.setPlainText("Be brief.")
    assert words(dialog).count("no chat template") == 3
    press(dialog, QDialogButtonBox.StandardButton.Ok)
    recipe = session.recipe
    chat, plain = PromptFormat(CHAT, "Be brief."), PromptFormat(PERSONA_TEMPLATE, "Be brief.")
    assert recipe.prompt_format == chat
    formats = [spec.prompt_format for spec in recipe.checkpoints()]
    assert formats == [chat if place in CHATTING else plain for place in range(5)]
    assert sum(isinstance(c, Load) for c in bridge.commands) == loads + 1
    session.undo_stack.undo()
    assert session.recipe == before


def test_a_role_may_have_its_own(
    dialog: PromptFormatDialog, session: Session, window: QWidget
) -> None:
    pick(dialog.common.kind, CHAT)
    pick(dialog.roles[3], PLAIN)
    press(dialog, QDialogButtonBox.StandardButton.Apply)
    assert session.recipe.checkpoints()[3].prompt == PLAIN
    assert session.recipe.checkpoints()[1].prompt == CHAT
    assert dialog.roles[3].currentData() == PLAIN
    assert dialog.roles[1].currentData() == FOLLOWS
    assert dialog.roles[0].currentData() == PLAIN  # it has no chat template
    options = [b for b in dialog.findChildren(QPushButton) if b.text() == "Options …"]
    options[3].click()
    assert window.findChild(RoleOptions).objectName() == "options 3"


def test_a_system_prompt_of_a_role_is_kept(dialog: PromptFormatDialog, session: Session) -> None:
    own = replace(session.recipe.checkpoints()[1], prompt=CHAT, system="Speak as a pirate does.")
    session.set_spec(1, own)
    assert dialog.roles[1].currentText() == "chat template with a system prompt"
    pick(dialog.common.kind, "own")
    dialog.common.template.setPlainText("Q: {prompt}\nA:")
    press(dialog, QDialogButtonBox.StandardButton.Apply)
    specs = session.recipe.checkpoints()
    assert specs[1] == own
    assert all(specs[place].prompt == "Q: {prompt}\nA:" for place in (0, 2, 3, 4))


def test_a_template_needs_a_place_for_the_prompt(dialog: PromptFormatDialog) -> None:
    pick(dialog.common.kind, "own")
    dialog.common.template.setPlainText("nothing")
    kinds = QDialogButtonBox.StandardButton
    assert not dialog.findChild(QDialogButtonBox).button(kinds.Ok).isEnabled()
    assert "{prompt}" in words(dialog)


def test_it_follows_the_recipe(dialog: PromptFormatDialog, session: Session) -> None:
    session.rename_pair(0, "Verse")
    session.set_formats(session.recipe.with_format(PromptFormat("Q: {prompt}")))
    assert dialog.common.template.toPlainText() == "Q: {prompt}"
    assert "expert “Verse”" in dialog.roles[1].accessibleName()
    session.remove_pair(1)
    assert len(dialog.roles) == 3


def test_the_preview_is_one_button_away(
    dialog: PromptFormatDialog, session: Session, window: QWidget
) -> None:
    pick(dialog.common.kind, CHAT)
    next(b for b in dialog.findChildren(QPushButton) if "preview" in b.text()).click()
    assert window.findChild(PromptPreview).isVisible()
    assert session.recipe.prompt == CHAT


def test_the_column_says_the_format_and_opens_the_dialog(
    main: MainWindow, session: Session
) -> None:
    line = main.findChild(PromptFormatLine)
    assert line.text() == "Prompt: plain text"
    line.click()
    assert main.findChild(PromptFormatDialog).isVisible()
    session.set_spec(1, replace(session.recipe.checkpoints()[1], prompt=CHAT))
    assert line.text() == "Prompt: plain text (+1)"
    assert "1 role has its own" in line.accessibleName()
