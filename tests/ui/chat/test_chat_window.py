"""Tests of a conversation in the real window, with a real engine and tiny chat models."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.checkpoints.spec import ExpertPair, Recipe
from app.ui.branches.fork_popup import ForkPopup
from app.ui.chat.turn_view import TurnView
from tests import tiny
from tests.ui.test_window import Window

TEMPLATE = (
    "{% for message in messages %}[{{ message.role }}]{{ message.content }}{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)


@pytest.fixture
def chat_recipe(llama: tiny.Family, tmp_path: Path) -> Recipe:
    """A base and an expert with a chat template; the anti-expert reads plain text."""
    folders = []
    for folder in (llama.base, llama.expert):
        copy = tmp_path / folder.name
        shutil.copytree(folder, copy)
        (copy / "chat_template.jinja").write_text(TEMPLATE)
        folders.append(copy)
    base, expert = (tiny.spec(folder, prompt="chat") for folder in folders)
    recipe = llama.recipe(temperature=0.0, max_new_tokens=8)
    return replace(
        recipe, base=base, pairs=(ExpertPair("Style", expert, tiny.spec(llama.antiexpert), 1.0),)
    )


@pytest.fixture
def window(chat_recipe: Recipe, tmp_path: Path, qtbot: QtBot) -> Iterator[Window]:
    opened = Window(chat_recipe, tmp_path / "window.ini", qtbot)
    opened.window.activateWindow()
    yield opened
    opened.window.close()
    opened.bridge.close()
    assert opened.bridge.join(60)


def say(window: Window, message: str) -> TurnView:
    """Type a message, press Enter, and wait for the answer."""
    count = len(window.window.chat.turns)
    qtbot, entry = window.qtbot, window.window.chat.entry
    entry.setFocus()
    qtbot.keyClicks(entry, message)
    qtbot.keyClick(entry, Qt.Key.Key_Return)
    assert len(window.window.chat.turns) == count + 1
    return answered(window)


def answered(window: Window) -> TurnView:
    window.wait_until_ended()
    QApplication.processEvents()
    return window.window.chat.turns[-1]


def greedy(family: tiny.Family, chat: str, plain: str, count: int) -> list[int]:
    """The most probable tokens by plain forward passes over whole texts."""
    encode = tiny.make_tokenizer().encode
    prompts = [encode(chat).ids, encode(chat).ids, encode(plain).ids]
    found: list[int] = []
    for _ in range(count):
        with torch.inference_mode():
            base, expert, anti = (
                model(torch.tensor([prompt + found])).logits[0, -1].double()
                for model, prompt in zip(family.models(), prompts, strict=True)
            )
        found.append(int((base + expert - anti).argmax()))
        if found[-1] == 0:  # the end of the text
            break
    return found


@pytest.mark.slow
def test_each_turn_equals_plain_forward_passes_over_the_whole_conversation(
    window: Window, llama: tiny.Family
) -> None:
    assert window.session.mode.chat
    assert not window.window.prompt.isVisible()
    chat = plain = ""
    for message in ("the king", "and the queen", "the sea"):
        chat += f"[user]{message}[assistant]"
        plain += f"User:\n{message}\n\nAssistant:\n"
        run = say(window, message).turn.answer
        assert run is not None
        ids = greedy(llama, chat, plain, 8)
        assert list(run.token_ids) == [id_ for id_ in ids if id_]
        chat += run.text
        plain += f"{run.text}\n\n"
    shown = [view.turn.message for view in window.window.chat.turns]
    assert shown == ["the king", "and the queen", "the sea"]


@pytest.mark.slow
def test_all_can_be_done_by_keys_alone(window: Window, qtbot: QtBot) -> None:
    view = window.window.chat
    first, second = say(window, "the king"), say(window, "the queen")
    focus = QApplication.focusWidget()
    assert focus is view.entry
    keys, ctrl = Qt.Key, Qt.KeyboardModifier.ControlModifier
    shift, alt = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
    qtbot.keyClick(focus, keys.Key_PageUp, alt)
    assert view.current is first
    qtbot.keyClick(focus, keys.Key_E, ctrl)
    assert QApplication.focusWidget() is first.entry
    qtbot.keyClicks(first.entry, "the sea")
    qtbot.keyClick(first.entry, keys.Key_Return)
    edited = answered(window)
    assert [turn.turn.message for turn in view.turns] == ["the sea"]
    qtbot.keyClick(view.entry, keys.Key_PageUp, ctrl | shift)
    assert [turn.turn.message for turn in view.turns] == ["the king", "the queen"]
    qtbot.keyClick(view.entry, keys.Key_PageDown, ctrl | shift)
    assert view.current is not None
    assert view.current.turn.answer is edited.turn.answer
    qtbot.keyClick(view.entry, keys.Key_R, ctrl | shift)
    again = answered(window)
    assert again.turn.answer is not edited.turn.answer
    qtbot.keyClick(view.entry, keys.Key_M, ctrl | shift)
    assert again.answer.rendered is not None
    assert again.answer.rendered.isVisible()
    qtbot.keyClick(view.entry, keys.Key_Backspace, ctrl | shift)
    assert again.turn.answer not in window.session.runs.all
    qtbot.keyClick(view.entry, keys.Key_Z, ctrl | alt)
    assert again.turn.answer in window.session.runs.all
    qtbot.keyClick(view.entry, keys.Key_N, ctrl | shift)
    assert view.turns == []
    qtbot.keyClick(view.entry, keys.Key_T, ctrl)
    assert window.window.prompt.isVisible()
    assert second.turn.answer in window.session.runs.all


@pytest.mark.slow
def test_another_candidate_of_an_answer_is_chosen_at_its_token(
    window: Window, qtbot: QtBot
) -> None:
    first = say(window, "the king")
    say(window, "the queen")
    text = first.answer.tokens
    assert text is not None
    text.setFocus()
    qtbot.keyClick(text, Qt.Key.Key_Home)
    qtbot.keyClick(text, Qt.Key.Key_Right)
    assert window.session.selection.token == 1
    window.action("Fork here with …").trigger()
    popup = window.window.findChild(ForkPopup)
    assert popup is not None
    top = text.mapToGlobal(text.rect().topLeft()).y()
    assert top <= popup.y() or popup.screen().availableGeometry().bottom() - popup.height() < top
    qtbot.keyClick(popup.field, Qt.Key.Key_Return)
    branch = answered(window)
    assert len(window.window.chat.turns) == 1
    assert branch.turn.answer is not None
    assert branch.turn.answer.parent is first.turn.answer
    assert window.window.focusWidget() is branch.answer.tokens
    assert say(window, "the sea").turn.answer is not None


@pytest.mark.slow
def test_the_mode_is_restored_with_the_window(
    window: Window, chat_recipe: Recipe, tmp_path: Path, qtbot: QtBot
) -> None:
    qtbot.keyClick(window.window.chat.entry, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert not window.session.mode.chat
    window.window.chat.entry.setPlainText("not sent yet")
    window.window.close()
    again = Window(chat_recipe, tmp_path / "window.ini", qtbot)
    try:
        assert not again.session.mode.chat
        assert again.window.prompt.isVisible()
        assert again.window.chat.entry.toPlainText() == "not sent yet"
    finally:
        again.window.close()
        again.bridge.close()
        assert again.bridge.join(60)
