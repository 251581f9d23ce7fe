"""Tests of the conversation by mouse and keyboard, with invented answers."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from app.checkpoints.conversation import ASSISTANT, SYSTEM, USER, Conversation
from app.ui.chat.chat_header import ChatHeader
from app.ui.chat.chat_view import ChatView
from app.ui.chat.system_prompt import SystemPrompt
from app.ui.chat.turn_view import TurnView
from app.ui.state.runs.run import ChatPlace
from app.ui.state.session import Session
from app.ui.text.legend import TintLegend
from app.ui.theme import LIGHT, stylesheet
from tests.ui.conftest import FakeBridge


class Talk:
    """A shown conversation that is typed into."""

    def __init__(self, session: Session, bridge: FakeBridge, qtbot: QtBot) -> None:
        self.session, self.bridge, self.qtbot = session, bridge, qtbot
        self.view = ChatView(session)
        qtbot.addWidget(self.view)
        self.view.resize(700, 600)
        with qtbot.waitExposed(self.view):
            self.view.show()
        self._seed = 0

    def type(self, text: str) -> None:
        self.qtbot.keyClicks(self.view.entry, text)

    def press(self, *keys: Qt.Key) -> None:
        for key in keys:
            self.qtbot.keyClick(self.view.entry, key)

    def say(self, message: str, count: int = 8) -> TurnView:
        self.type(message)
        self.press(Qt.Key.Key_Return)
        return self.answered(count)

    def answered(self, count: int = 8) -> TurnView:
        self._seed += 1
        self.bridge.complete(count, seed=self._seed)
        QApplication.processEvents()  # Qt shows and lays out new widgets later
        return self.view.turns[-1]

    def click(self, button: QToolButton) -> None:
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    @property
    def legend(self) -> TintLegend:
        return self.view.findChildren(TintLegend)[0]

    @property
    def messages(self) -> list[str]:
        QApplication.processEvents()
        return [view.turn.message for view in self.view.turns if view.isVisible()]


@pytest.fixture
def talk(loaded_session: Session, bridge: FakeBridge, qtbot: QtBot) -> Talk:
    loaded_session.mode.choose(True)
    return Talk(loaded_session, bridge, qtbot)


def test_enter_sends_and_shift_enter_begins_a_line(talk: Talk) -> None:
    low = talk.view.entry.height()
    talk.type("one")
    talk.qtbot.keyClick(talk.view.entry, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    talk.type("two")
    assert talk.view.entry.height() > low
    talk.press(Qt.Key.Key_Return)
    assert talk.view.entry.toPlainText() == ""
    assert talk.view.entry.height() == low
    assert talk.messages == ["one\ntwo"]
    talk.press(Qt.Key.Key_Return)  # nothing was entered
    talk.type("while it is generated")
    talk.press(Qt.Key.Key_Return)
    assert talk.messages == ["one\ntwo"]
    assert talk.view.entry.toPlainText() == "while it is generated"


def test_every_answer_shows_its_tokens_without_scrolling_in_itself(talk: Talk) -> None:
    first, second = talk.say("a", 200), talk.say("b")
    heights = []
    for view in (first, second):
        text, run = view.answer.tokens, view.turn.answer
        assert text is not None
        assert run is not None
        assert text.tints is not None
        assert text.tints.series.count == len(run.tokens)
        assert text.verticalScrollBar().maximum() == 0
        heights.append(text.height())
    assert heights[0] > 3 * heights[1]


@pytest.mark.slow
def test_equal_turns_without_a_run_are_each_shown_once(talk: Talk) -> None:
    """As of a conversation whose earlier answers were erased from the history."""
    asked = Conversation(())
    for _ in range(2):
        asked = asked.with_message(USER, "go on").with_message(ASSISTANT, "ok")
    place = ChatPlace(None, talk.session.runs.new_id())
    talk.session.runs.generate(asked.with_message(USER, "end"), place)
    talk.answered()
    assert talk.messages == ["go on", "go on", "end"]
    talk.say("more")
    shown = [view for view in talk.view.findChildren(TurnView) if not view.isHidden()]
    assert len(shown) == len(talk.messages) == 4


def test_a_click_on_a_token_chooses_its_turn(talk: Talk) -> None:
    first, second = talk.say("a"), talk.say("b")
    session = talk.session
    assert session.runs.current is second.turn.answer
    text = first.answer.tokens
    assert text is not None
    talk.qtbot.mouseClick(text.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(3, 6))
    assert session.runs.current is first.turn.answer
    assert session.selection.token == 0
    assert text.extraSelections()
    other = second.answer.tokens
    assert other is not None
    assert not other.extraSelections()
    assert talk.messages == ["a", "b"]
    talk.qtbot.keyClick(text, Qt.Key.Key_End)
    assert session.selection.token == 7
    talk.view.choose_turn(1)
    assert session.runs.current is second.turn.answer
    assert not text.extraSelections()


def test_a_message_is_edited_in_its_place(talk: Talk) -> None:
    talk.say("a")
    first = talk.view.turns[0]
    talk.say("b")
    talk.click(first.edit)
    assert first.entry.isVisible()
    assert not first.message.isVisible()
    said = [label.text() for label in first.findChildren(QLabel) if label.isVisible()]
    assert any("Enter" in text and "Esc" in text for text in said)
    talk.qtbot.keyClick(first.entry, Qt.Key.Key_Escape)
    assert not first.entry.isVisible()
    talk.click(first.edit)
    talk.qtbot.keyClicks(first.entry, "A")  # in place of the selected message
    talk.qtbot.keyClick(first.entry, Qt.Key.Key_Return)
    assert talk.view.focusWidget() is talk.view.entry
    edited = talk.answered()
    assert talk.messages == ["A"]
    assert edited.back.isVisible()
    talk.click(edited.back)
    assert talk.messages == ["a", "b"]


def test_an_answer_is_regenerated_continued_and_deleted(talk: Talk) -> None:
    talk.say("a")
    second = talk.say("b")
    assert not second.back.isVisible()
    talk.click(second.again)
    again = talk.answered()
    assert again.turn.answer is not second.turn.answer
    assert again.back.isVisible()
    talk.click(again.go_on)
    talk.bridge.complete(3)
    assert again.turn.answer is not None
    assert len(again.turn.answer.tokens) == 11
    assert not talk.view.turns[0].go_on.isVisible()
    talk.view.turns[0].delete.trigger()
    assert talk.messages == []
    talk.session.runs.restore()
    assert talk.messages == ["a", "b"]


def test_an_answer_is_rewritten(talk: Talk) -> None:
    first = talk.say("a")
    first.rewrite.trigger()
    assert first.entry.toPlainText() == first.answer.text
    first.entry.setPlainText(" the king")
    talk.qtbot.keyClick(first.entry, Qt.Key.Key_Return)
    scored = talk.answered(2)
    assert scored.turn.answer is not None
    assert scored.turn.answer.scored


def test_the_view_follows_the_last_answer_unless_it_was_scrolled(talk: Talk) -> None:
    bar = talk.view._area.verticalScrollBar()
    talk.say("a", 400)
    talk.qtbot.waitUntil(lambda: bar.maximum() > 0)
    assert bar.value() == bar.maximum()
    talk.type("b")
    talk.press(Qt.Key.Key_Return)
    talk.bridge.start_run()
    talk.bridge.decode(100)
    talk.qtbot.waitUntil(lambda: bar.value() == bar.maximum())
    bar.setValue(0)
    talk.bridge.decode(100, start=100)
    talk.qtbot.wait(1)
    assert bar.value() == 0


def test_the_system_prompt_begins_the_next_message(talk: Talk) -> None:
    row = SystemPrompt(talk.session)
    talk.qtbot.addWidget(row)
    field = row.field
    talk.qtbot.keyClicks(field, "Be brief.")
    talk.qtbot.keyClick(field, Qt.Key.Key_Return)
    assert talk.session.chat.system == "Be brief."
    assert talk.messages == []
    run = talk.say("a").turn.answer
    assert run is not None
    assert isinstance(run.prompt, Conversation)
    assert run.prompt.messages[0].role == SYSTEM


def test_the_prompt_of_the_window_is_the_conversation(talk: Talk) -> None:
    talk.say("a")
    chat, session = talk.session.chat, talk.session
    assert chat.tip is not None
    assert session.prompt == chat.tip.prompt
    talk.type("b")
    assert session.prompt == chat.asked("b")


def test_the_example_is_offered_while_nothing_was_said(talk: Talk) -> None:
    buttons = talk.view.findChildren(QPushButton)
    (example,) = [button for button in buttons if button.text().startswith("Example")]
    talk.qtbot.mouseClick(example, Qt.MouseButton.LeftButton)
    assert talk.view.entry.toPlainText() == talk.session.recipe.sample_prompt


def test_answers_are_formatted_text_or_tokens(talk: Talk) -> None:
    first = talk.say("a")
    talk.session.display.set_rendered(True)
    assert first.answer.rendered is not None
    assert first.answer.rendered.isVisible()
    assert first.answer.tokens is not None
    assert not first.answer.tokens.isVisible()
    second = talk.say("b")
    assert second.answer.rendered is not None
    assert talk.legend.sizeHint().width() == 0
    talk.session.display.set_rendered(False)
    assert first.answer.tokens.isVisible()
    assert second.answer.tokens is not None
    assert talk.legend.sizeHint().width() > 0


def test_copying(talk: Talk) -> None:
    first = talk.say("a")
    first.copy_answer()
    assert QGuiApplication.clipboard().text() == first.answer.text
    said = talk.view.markdown
    assert said.startswith("## User\n\na\n")
    assert first.answer.text.strip() in said


def test_the_header_formats_answers_and_begins_anew(talk: Talk) -> None:
    header = ChatHeader(talk.session)
    talk.qtbot.addWidget(header)
    assert not header.new.isEnabled()
    talk.say("a")
    talk.click(header.formatted)
    assert talk.session.display.rendered
    talk.session.display.set_rendered(False)
    assert not header.formatted.isChecked()
    talk.click(header.new)
    assert talk.messages == []
    assert len(talk.session.runs.all) == 1


def test_a_narrow_view_wraps_messages_and_clips_nothing(talk: Talk) -> None:
    view = talk.say("a long message " * 20)
    talk.click(view.again)
    view = talk.answered()
    for width in (700, 320, 500):
        talk.view.resize(width, 500)
        for _ in range(3):
            QApplication.processEvents()
        room = talk.view._area.viewport().width()
        assert view.width() <= room
        assert view.message.geometry().right() <= room
        height = view.message.text.heightForWidth(view.message.text.width())
        assert view.message.text.height() >= height


def test_an_answer_under_way_is_said_to_be_written(talk: Talk) -> None:
    first = talk.say("a")
    talk.type("b")
    talk.press(Qt.Key.Key_Return)
    talk.session.runs.show(first.turn.answer)
    second = talk.view.turns[-1]
    assert second._state.text() == "waiting …"
    talk.bridge.start_run()
    talk.bridge.decode(3)
    assert second._state.text() == "writing …"


def test_the_caption_of_the_system_prompt_is_on_the_line_of_its_text(talk: Talk) -> None:
    prompt = SystemPrompt(talk.session)
    talk.qtbot.addWidget(prompt)
    prompt.setStyleSheet(stylesheet(LIGHT))
    prompt.resize(500, 60)
    with talk.qtbot.waitExposed(prompt):
        prompt.show()
    (caption,) = prompt.findChildren(QLabel)
    for text in ("short", "two\nlines"):
        prompt.field.setPlainText(text)
        QApplication.processEvents()
        start = QTextCursor(prompt.field.document())
        line = prompt.field.cursorRect(start)
        field_top = prompt.field.viewport().mapTo(prompt, line.topLeft()).y()
        words = caption.contentsRect()
        spare = (words.height() - caption.fontMetrics().height()) / 2
        caption_top = caption.mapTo(prompt, words.topLeft()).y() + spare
        assert abs(field_top - caption_top) < 1, text
