"""Tests of the conversation: its turns, and everything that can be done with them."""

from __future__ import annotations

import pytest

from app.checkpoints.conversation import ASSISTANT, SYSTEM, USER, Conversation, Message
from app.ui.state.runs.chat import Chat
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from tests import tiny
from tests.ui.conftest import FakeBridge
from tests.ui.state.runs.test_runs_engine import Desk, other_than


class Talk:
    """A conversation whose answers have eight invented tokens."""

    def __init__(self, session: Session, bridge: FakeBridge) -> None:
        self.session, self.bridge = session, bridge
        self.chat, self.runs = session.chat, session.runs
        self._seed = 0

    def answered(self, count: int = 8) -> Run:
        self._seed += 1
        self.bridge.complete(count, seed=self._seed)
        assert self.runs.current
        return self.runs.current

    def say(self, message: str) -> Run:
        assert self.chat.send(message)
        return self.answered()

    def shown(self) -> list[tuple[str, Run | None]]:
        return [(turn.message, turn.answer) for turn in self.chat.turns]


@pytest.fixture
def talk(loaded_session: Session, bridge: FakeBridge) -> Talk:
    return Talk(loaded_session, bridge)


def messages(run: Run) -> list[tuple[str, str]]:
    assert isinstance(run.prompt, Conversation)
    return [(item.role, item.content) for item in run.prompt.messages]


def test_each_message_is_asked_after_the_whole_conversation(talk: Talk) -> None:
    assert talk.chat.turns == ()
    talk.chat.set_system("Be brief.")
    first = talk.say("a")
    second = talk.say("b")
    assert messages(first) == [(SYSTEM, "Be brief."), (USER, "a")]
    assert messages(second) == [*messages(first), (ASSISTANT, first.text), (USER, "b")]
    assert talk.shown() == [("a", first), ("b", second)]
    assert (second.follows, second.chat) == (first, first.chat)


def test_the_thread_stays_while_an_earlier_turn_is_chosen(talk: Talk) -> None:
    first, second = talk.say("a"), talk.say("b")
    talk.runs.show(first)
    assert talk.shown() == [("a", first), ("b", second)]
    third = talk.say("c")
    assert third.follows is second


def test_choosing_an_earlier_turn_does_not_change_to_a_later_branch(talk: Talk) -> None:
    first, second = talk.say("a"), talk.say("b")
    assert talk.chat.edit(1, "B")
    talk.answered()
    talk.runs.show(second)
    talk.runs.show(first)
    assert talk.shown() == [("a", first), ("b", second)]


def test_a_last_answer_that_is_replaced_stays_the_last(talk: Talk) -> None:
    first, second = talk.say("a"), talk.say("b")
    talk.runs.replace_last(1)
    talk.answered(1)
    other = talk.runs.current
    assert other is not second
    assert talk.shown() == [("a", first), ("b", other)]
    assert talk.chat.versions(1) == [other]


def test_another_message_and_another_answer_begin_branches_of_the_conversation(talk: Talk) -> None:
    first, second = talk.say("a"), talk.say("b")
    assert talk.chat.edit(0, "A")
    edited = talk.answered()
    assert talk.shown() == [("A", edited)]
    assert talk.chat.versions(0) == [first, edited]
    talk.runs.show(second)
    assert talk.shown() == [("a", first), ("b", second)]
    assert talk.chat.regenerate(1)
    again = talk.answered()
    assert again.prompt == second.prompt
    assert again.recipe.sampling.seed != second.recipe.sampling.seed
    assert talk.shown() == [("a", first), ("b", again)]
    assert talk.chat.versions(1) == [second, again]
    talk.runs.show(edited)
    talk.runs.show(first)  # the latest answers after it
    assert talk.shown() == [("a", first), ("b", again)]


def test_another_candidate_inside_an_answer_goes_on_from_there(talk: Talk) -> None:
    first, _ = talk.say("a"), talk.say("b")
    talk.runs.show(first)
    talk.runs.fork(3)
    branch = talk.answered(4)
    assert talk.shown() == [("a", branch)]
    assert talk.chat.versions(0) == [first, branch]
    third = talk.say("c")
    assert messages(third)[1] == (ASSISTANT, branch.text)


def test_deleting_ends_the_thread_and_is_undone(talk: Talk) -> None:
    first, second, third = talk.say("a"), talk.say("b"), talk.say("c")
    talk.runs.show(first)
    talk.chat.delete_from(1)
    assert talk.shown() == [("a", first)]
    assert talk.runs.all == [first]
    talk.runs.restore()
    assert talk.shown() == [("a", first), ("b", second), ("c", third)]
    talk.chat.delete_from(0)
    assert talk.shown() == []
    assert talk.runs.current is None
    talk.runs.restore()
    talk.chat.edit(0, "A")
    edited = talk.answered()
    talk.chat.delete_from(0)
    assert talk.shown() == [("a", first), ("b", second), ("c", third)]
    assert edited not in talk.runs.all


def test_a_rewritten_answer_is_scored_and_read_by_later_turns(talk: Talk) -> None:
    first = talk.say("a")
    talk.chat.rewrite(0, " the king")
    scored = talk.answered(2)
    assert scored.scored
    assert talk.chat.versions(0) == [first, scored]
    assert messages(talk.say("b"))[1] == (ASSISTANT, scored.text)


def test_continuing_adds_to_the_last_answer(talk: Talk) -> None:
    first, second = talk.say("a"), talk.say("b")
    talk.runs.show(first)
    talk.chat.go_on()
    talk.bridge.complete(3)
    assert talk.runs.current is second
    assert len(second.tokens) == 11


def test_two_conversations_are_not_mixed(talk: Talk) -> None:
    first = talk.say("a")
    talk.chat.start_anew()
    assert talk.shown() == []
    other = talk.say("a")
    assert talk.chat.versions(0) == [other]
    talk.runs.show(first)
    assert talk.chat.versions(0) == [first]


def test_a_turn_whose_run_is_not_here_is_shown_as_text(talk: Talk, recipe: object) -> None:
    third = talk.say("c")
    said = (Message(USER, "a"), Message(ASSISTANT, "b"))
    assert isinstance(third.prompt, Conversation)
    third.prompt = Conversation((*said, *third.prompt.messages))
    assert [(turn.message, turn.text) for turn in talk.chat.turns] == [("a", "b"), ("c", "")]
    assert talk.shown() == [("a", None), ("c", third)]
    assert talk.chat.versions(0) == []
    talk.chat.delete_from(0)
    assert talk.chat.edit(0, "A")
    assert messages(talk.answered()) == [(USER, "A")]


def test_the_system_prompt_is_that_of_the_shown_conversation(talk: Talk) -> None:
    talk.chat.set_system("Be brief.")
    first = talk.say("a")
    talk.chat.set_system("Be long.")
    second = talk.say("b")
    assert messages(second)[0] == (SYSTEM, "Be long.")
    talk.chat.start_anew()
    talk.chat.set_system("")
    talk.runs.show(first)
    assert talk.chat.system == "Be long."  # of the last turn after it


# The mode of the window


def test_each_mode_shows_its_own_run(talk: Talk) -> None:
    mode = talk.session.mode
    talk.runs.generate("Once")
    text = talk.answered()
    assert not mode.chat
    mode.choose(True)
    assert talk.runs.current is None
    answer = talk.say("a")
    mode.choose(False)
    assert talk.runs.current is text
    talk.runs.show(answer)
    assert mode.chat


# With the engine


@pytest.mark.slow
def test_answers_equal_runs_of_the_same_conversation_from_the_beginning(
    llama: tiny.Family,
) -> None:
    desk = Desk(llama.recipe(temperature=1.0, seed=5))
    chat: Chat = desk.session.chat
    for message in ("the king", "and the queen", "the sea"):
        assert chat.send(message)
        desk.bridge.work()
    first = chat.turns[0].answer
    assert first
    desk.runs.show(first)
    desk.runs.fork(4, token_id=other_than(first, 4))
    desk.bridge.work()
    assert chat.send("the night")
    desk.bridge.work()
    for run in list(desk.runs.all):
        if run.parent:
            continue
        again = Desk(desk.session.recipe)
        again.runs.generate(run.prompt)
        again.bridge.work()
        assert again.run.token_ids == run.token_ids
