"""Tests of conversations in the history: recorded, opened with their turns, and repeated."""

from __future__ import annotations

from app.engine.commands import Generate
from app.history.archive import Query
from app.history.records import RunSummary
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge
from tests.ui.recording import open_run, repeat_run, stored_runs


def say(session: Session, bridge: FakeBridge, message: str, seed: int = 0) -> Run:
    assert session.chat.send(message)
    bridge.complete(6, seed=seed)
    assert session.runs.current
    return session.runs.current


def recorded(session: Session, words: str = "") -> list[RunSummary]:
    assert session.history._writer is not None
    assert session.history._writer.flush(60)
    return stored_runs(session, Query(words))


def forget(session: Session) -> None:
    """Empty the window, as a restart does."""
    session.runs.remove(session.runs.all[0])
    session.runs.removed.__init__()  # type: ignore[misc]
    assert session.history._recorder is not None
    session.history._recorder._ids.clear()
    assert session.runs.all == []


def test_an_answer_is_opened_with_the_turns_before_it(kept: Session, bridge: FakeBridge) -> None:
    kept.chat.set_system("Be brief.")
    made = [say(kept, bridge, message, seed) for seed, message in enumerate("abc")]
    latest = recorded(kept)[0]
    assert latest.prompt == "c"
    forget(kept)
    kept.mode.choose(False)
    open_run(kept, latest.id)
    assert kept.mode.chat
    turns = kept.chat.turns
    assert [turn.message for turn in turns] == ["a", "b", "c"]
    for turn, run in zip(turns, made, strict=True):
        assert turn.answer is not None
        assert turn.answer.token_ids == run.token_ids
        assert turn.answer.prompt == run.prompt
        assert turn.answer.chat == turns[0].answer.chat  # type: ignore[union-attr]
    assert kept.chat.system == "Be brief."
    fourth = say(kept, bridge, "d", 9)
    assert fourth.follows is turns[2].answer
    assert recorded(kept)[0].follows == latest.id


def test_an_earlier_answer_is_opened_after_a_later_one(kept: Session, bridge: FakeBridge) -> None:
    for message in "ab":
        say(kept, bridge, message)
    later, earlier = recorded(kept)
    forget(kept)
    open_run(kept, later.id)
    open_run(kept, earlier.id)
    assert len(kept.runs.all) == 2
    assert [turn.message for turn in kept.chat.turns] == ["a", "b"]
    assert kept.chat.turn_of(kept.runs.current) == 0


def test_a_conversation_is_found_by_all_that_was_said(kept: Session, bridge: FakeBridge) -> None:
    say(kept, bridge, "needle")
    say(kept, bridge, "b")
    assert len(recorded(kept, "needle")) == 2


def test_a_repeated_answer_stands_in_its_conversation(kept: Session, bridge: FakeBridge) -> None:
    first = say(kept, bridge, "a")
    second = say(kept, bridge, "b")
    assert len(recorded(kept)) == 2
    repeat_run(kept, kept.history.id_of(second))
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    assert command.prompt == second.prompt
    bridge.complete(6)
    again = kept.runs.current
    assert again is not None
    assert again.follows is first
    assert kept.chat.versions(1) == [second, again]
