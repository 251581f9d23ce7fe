"""Tests of the thinking before an answer: folded, inspectable, and not read again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.checkpoints.conversation import ASSISTANT, Conversation
from app.decoding.types import TokenStep
from app.ui.chat.answer_text import AnswerText
from app.ui.chat.turn_view import TurnView
from app.ui.state.session import Session
from tests.ui.chat.test_chat_view import Talk
from tests.ui.conftest import FakeBridge, invent_step

TEXTS = ["<think>", "\n", "Who", " asks?", "\n", "</think>", "\n\n", "Yes", ".", "\n", "Really."]


def steps(texts: list[str]) -> list[TokenStep]:
    made, start = [], 0
    for index, text in enumerate(texts):
        made.append(replace(invent_step(index, (1.0, 0.4), start), text=text))
        start += len(text)
    return made


@pytest.fixture
def talk(loaded_session: Session, bridge: FakeBridge, qtbot: QtBot) -> Talk:
    loaded_session.mode.choose(True)
    shown = Talk(loaded_session, bridge, qtbot)
    shown.type("a")
    shown.press(Qt.Key.Key_Return)
    bridge.start_run()
    return shown


@pytest.fixture
def turn(talk: Talk, bridge: FakeBridge) -> TurnView:
    bridge.emit_steps(steps(TEXTS))
    bridge.finish_run()
    QApplication.processEvents()
    return talk.view.turns[0]


def lines(turn: TurnView) -> list[str]:
    """The visible lines of the tokens."""
    text = turn.answer.tokens
    assert isinstance(text, AnswerText)
    block, found = text.document().firstBlock(), []
    while block.isValid():
        if block.isVisible():
            found.append(block.text())
        block = block.next()
    return found


def test_thinking_is_folded_and_opened(turn: TurnView, talk: Talk) -> None:
    text = turn.answer.tokens
    assert text is not None
    assert lines(turn) == ["Yes.↵", "Really."]
    folded = text.height()
    assert turn.answer.thinking.text() == "Thought for 7 tokens"
    talk.click(turn.answer.thinking)
    assert lines(turn) == ["<think>↵", "Who asks?↵", "</think>↵", "↵", "Yes.↵", "Really."]
    assert text.height() > 2 * folded
    talk.click(turn.answer.thinking)
    assert lines(turn) == ["Yes.↵", "Really."]
    assert text.height() == folded


def test_clicks_hit_the_tokens_below_folded_thinking(turn: TurnView, talk: Talk) -> None:
    text = turn.answer.tokens
    assert text is not None
    talk.qtbot.mouseClick(text.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(3, 6))
    assert talk.session.selection.token == 7
    assert not text.grab().isNull()  # the tints of the visible lines are painted


def test_a_selected_token_of_the_thinking_opens_it(turn: TurnView, talk: Talk) -> None:
    talk.session.selection.select(8)
    assert not turn.answer.thinking.isChecked()
    talk.session.selection.select(3)
    assert turn.answer.thinking.isChecked()


def test_thinking_is_folded_while_it_is_generated(talk: Talk, bridge: FakeBridge) -> None:
    bridge.emit_steps(steps(TEXTS)[:4])
    QApplication.processEvents()
    turn = talk.view.turns[0]
    assert turn.answer.thinking.isVisible()
    assert turn.answer.thinking.text() == "Thinking … 4 tokens"
    assert lines(turn) == []


def test_formatted_answers_have_their_thinking_above(turn: TurnView, talk: Talk) -> None:
    talk.session.display.set_rendered(True)
    assert turn.answer.rendered is not None
    assert "Yes." in turn.answer.rendered.toPlainText()
    assert "Who" not in turn.answer.rendered.toPlainText()
    assert turn.answer.thoughts.isHidden()
    talk.click(turn.answer.thinking)
    assert turn.answer.thoughts.text() == "Who asks?"


def test_later_turns_read_the_answer_without_its_thinking(turn: TurnView, talk: Talk) -> None:
    asked = talk.session.chat.asked("b")
    assert isinstance(asked, Conversation)
    assert asked.messages[1].role == ASSISTANT
    assert asked.messages[1].content == "Yes.\nReally."


def test_an_answer_without_thinking_has_no_such_row(talk: Talk, bridge: FakeBridge) -> None:
    bridge.emit_steps(steps(TEXTS[7:]))
    bridge.finish_run()
    assert talk.view.turns[0].answer.thinking.isHidden()
