"""Tests of recipe checks: at most one runs, and the latest one is answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.checkpoints.spec import Recipe
from app.engine.commands import Check, Load
from app.engine.events import EngineFailed, Failed
from app.errors import CheckpointError, DeviceError, RecipeError
from app.ui.state.engine_requests import Requests
from app.ui.state.models.recipe_checks import Checks
from app.ui.state.session import LoadState, Session
from tests.ui.conftest import FakeBridge, invent_preflight


def questions(bridge: FakeBridge) -> list[str]:
    return [command.prompt for command in bridge.commands if isinstance(command, Check)]


@given(events=st.lists(st.one_of(st.text(max_size=3), st.none()), max_size=30))
def test_one_check_at_a_time_and_then_the_latest(events: list[str | None]) -> None:
    """A prompt requests a check, None answers the running one; all are answered at the end."""
    asked: list[Check] = []
    answered: list[Check] = []
    requests = Requests(asked.append, lambda event: None)  # type: ignore[arg-type]
    checks = Checks(requests, lambda question, event: answered.append(question))
    recipe: Recipe = None  # type: ignore[assignment] # never looked at
    wanted = [event for event in events if event is not None]
    open_ = 0
    for event in events:
        before = len(asked)
        if event is not None:
            checks.ask(recipe, event, 0)
        elif open_:
            under_way = asked[-1]
            requests.deliver([Failed(under_way.id, None)])
            assert answered[-1] is under_way
            open_ -= 1
        open_ += len(asked) - before
        assert 0 <= open_ <= 1
    while open_:
        before = len(asked)
        requests.deliver([Failed(asked[-1].id, None)])
        open_ += len(asked) - before - 1
    assert len(asked) <= len(wanted)
    assert [question.prompt for question in asked[-1:]] == wanted[-1:]


def test_answers_to_other_commands_are_ignored(session: Session, bridge: FakeBridge) -> None:
    session.check("a")
    command = bridge.last(Check)
    session.preflight_changed.connect(lambda: pytest.fail("nothing was found out"))
    bridge.events.emit([Failed(command.id + 1, CheckpointError("other"))])
    assert session.check_problem is None


def test_typing_checks_again_after_the_answer(session: Session, bridge: FakeBridge) -> None:
    for prompt in ("a", "ab", "abc"):
        session.check(prompt)
    assert questions(bridge) == ["a"]
    assert bridge.last(Check).cancellation.requested()
    bridge.check(kind=Check)
    assert session.checked_prompt == "a"
    assert questions(bridge) == ["a", "abc"]
    bridge.check(kind=Check)
    assert session.checked_prompt == "abc"
    assert questions(bridge) == ["a", "abc"]


def test_a_cancelled_check_keeps_the_last_result(session: Session, bridge: FakeBridge) -> None:
    session.check("a")
    bridge.check(kind=Check)
    known = session.preflight
    session.check("ab")
    bridge.events.emit([Failed(bridge.last(Check).id, None)])
    assert session.preflight is known
    session.check("abc")
    assert questions(bridge)[-1] == "abc"


def test_a_load_checks_the_typed_prompt(session: Session, bridge: FakeBridge) -> None:
    session.set_prompt("the king")
    session.load()
    bridge.ready()
    bridge.check()
    assert session.checked_prompt == "the king"
    assert session.preflight is not None
    assert session.preflight.prompts[0].text == "the king"


def test_a_load_that_fails_before_its_check_clears_the_result(
    session: Session, bridge: FakeBridge
) -> None:
    session.load()
    bridge.ready()
    bridge.check()
    session.set_source(0, "folder:/nowhere")
    error = CheckpointError("There is no folder /nowhere")
    bridge.events.emit([Failed(bridge.last(Load).id, error)])
    assert session.preflight is None
    assert session.check_problem is error


def test_a_load_that_fails_after_its_check_keeps_the_result(
    session: Session, bridge: FakeBridge
) -> None:
    session.load()
    bridge.ready()
    found = invent_preflight(session.recipe, fits=False)
    bridge.check(found)
    bridge.events.emit([Failed(bridge.last(Load).id, CheckpointError("too large"))])
    assert session.load_state is LoadState.FAILED
    assert session.preflight is found


def test_a_changed_sign_of_alpha_checks_again(session: Session, bridge: FakeBridge) -> None:
    session.set_prompt("the king")
    session.set_alpha(1, 0.9)
    assert questions(bridge) == []
    session.set_alpha(1, -0.5)
    assert questions(bridge) == ["the king"]


def test_every_check_of_a_candidate_is_answered(
    session: Session, bridge: FakeBridge, recipe: Recipe
) -> None:
    answers: list[object] = []
    session.candidate_checked.connect(lambda asked, found: answers.append(found))
    other = recipe.with_alphas((2.0, 2.0))
    session.check_candidate(recipe)
    bridge.check(kind=Check)
    session.check_candidate(other)
    session.check_candidate(recipe)
    error = RecipeError("no")
    bridge.events.emit([Failed(bridge.last(Check).id, error)])
    assert answers[1:] == [error]
    lost = DeviceError("gone")
    bridge.events.emit([EngineFailed(lost, "")])
    assert answers[2:] == [lost]
