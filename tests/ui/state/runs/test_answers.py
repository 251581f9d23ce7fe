"""Tests of runs that answer a conversation: branches, removal, what-if, titles and the preview."""

from __future__ import annotations

import pytest

from app.checkpoints.conversation import ASSISTANT, SYSTEM, USER, Conversation, Message
from app.engine.commands import Check, Generate
from app.ui.state.runs.run import ChatPlace, Run
from app.ui.state.runs.runs import Runs
from app.ui.state.session import Session
from app.ui.words.run_titles import RunTitles
from tests import tiny
from tests.ui.conftest import FakeBridge
from tests.ui.state.runs.test_runs_engine import Desk

ASKED = Conversation((Message(SYSTEM, "Be brief."), Message(USER, "the king")))


def answer(runs: Runs, bridge: FakeBridge, follows: Run | None = None, seed: int = 0) -> Run:
    """A finished answer of eight tokens to the first message, or to one after ``follows``."""
    asked = ASKED
    if follows:
        assert isinstance(follows.prompt, Conversation)
        said = follows.prompt.with_message(ASSISTANT, follows.text)
        asked = said.with_message(USER, f"message {seed}")
    runs.generate(asked, ChatPlace(follows, 7))
    bridge.complete(8, seed=seed)
    assert runs.current
    return runs.current


@pytest.fixture
def runs(loaded_session: Session) -> Runs:
    return loaded_session.runs


def test_the_engine_gets_the_conversation_and_a_branch_keeps_its_place(
    runs: Runs, bridge: FakeBridge
) -> None:
    first = answer(runs, bridge)
    second = answer(runs, bridge, first, seed=1)
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    assert command.prompt == second.prompt
    runs.fork(3)
    bridge.complete(4, seed=2)
    branch = runs.current
    assert branch is not None
    assert (branch.prompt, branch.follows, branch.chat) == (second.prompt, first, 7)
    assert branch.parent is second


def test_an_empty_message_is_not_answered(runs: Runs, loaded_session: Session) -> None:
    runs.generate(Conversation((Message(USER, ""),)))
    assert runs.all == []
    assert loaded_session.problem


def test_answers_are_removed_with_those_after_them_and_restored_together(
    runs: Runs, bridge: FakeBridge
) -> None:
    first = answer(runs, bridge)
    second = answer(runs, bridge, first, seed=1)
    third = answer(runs, bridge, second, seed=2)
    runs.fork(3)
    bridge.complete(4, seed=3)
    branch = runs.current
    everything = list(runs.all)
    runs.remove(second)
    assert runs.all == [first]
    assert runs.current is first
    assert runs.removed.last is second
    runs.restore()
    assert runs.all == everything == [first, second, third, branch]
    assert branch is not None
    assert (branch.parent, branch.fork) == (third, 3)
    assert runs.current is second


def test_an_answer_is_restored_with_the_one_that_it_follows(runs: Runs, bridge: FakeBridge) -> None:
    first = answer(runs, bridge)
    second = answer(runs, bridge, first, seed=1)
    runs.remove(second)
    runs.remove(first)
    runs.restore(second)
    assert runs.all == [first, second]
    assert runs.removed.last is None


def test_an_answer_that_was_replied_to_does_not_change_but_branches(
    runs: Runs, bridge: FakeBridge
) -> None:
    first = answer(runs, bridge)
    said = first.text
    second = answer(runs, bridge, first, seed=1)
    for change in (runs.continue_run, lambda: runs.replace_last(1)):
        runs.show(first)
        change()
        bridge.complete(2)
        branch = runs.current
        assert branch is not None
        assert (branch.parent, branch.follows) == (first, None)
    assert (first.text, second.follows) == (said, first)


def test_a_seed_of_its_own_stays_with_an_answer_that_is_continued(
    runs: Runs, bridge: FakeBridge, loaded_session: Session
) -> None:
    runs.generate(ASKED, seed=99)
    bridge.complete(8)
    run = runs.current
    runs.continue_run(2)
    bridge.complete(2)
    assert runs.current is run  # the seed of the settings is another one and makes no branch
    runs.fork(3)
    bridge.complete(2)
    for made in runs.all:
        assert made.recipe.sampling.seed == 99
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    assert command.config.seed == 99
    assert loaded_session.recipe.sampling.seed != 99


def test_titles_say_the_message_and_not_the_whole_conversation(
    runs: Runs, bridge: FakeBridge
) -> None:
    first = answer(runs, bridge)
    second = answer(runs, bridge, first, seed=1)
    about = RunTitles().about(second)
    assert "message 1" in about
    assert "Be brief." not in about


def test_the_preview_is_of_the_conversation(session: Session, bridge: FakeBridge) -> None:
    session.set_prompt(ASKED)
    session.check(session.prompt)
    check = bridge.last(Check)
    assert isinstance(check, Check)
    assert check.prompt == ASKED


@pytest.mark.slow
def test_a_what_if_question_of_an_answer_equals_what_is_generated(llama: tiny.Family) -> None:
    desk = Desk(llama.recipe(temperature=0.0))
    desk.runs.generate(ASKED)
    desk.bridge.work()
    first = desk.run
    desk.runs.ask_what_if((-1.0,))
    desk.bridge.work()
    found = desk.runs.questions.answer
    assert found is not None
    choice = found.choices[0]
    desk.session.set_alpha(0, -1.0)
    desk.runs.generate(ASKED)
    desk.bridge.work()
    assert desk.run.token_ids[: choice.index] == first.token_ids[: choice.index]
    assert desk.run.token_ids[choice.index] == choice.token_id
