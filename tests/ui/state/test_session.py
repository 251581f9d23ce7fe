"""The session where the engine does not do what is hoped for."""

from __future__ import annotations

from app.engine.commands import Generate, Load
from app.engine.events import EngineFailed, Failed
from app.errors import NotDownloadedError, RecipeError, unknown_error
from app.ui.state.session import LoadState, Session
from tests.ui.conftest import FakeBridge


def test_an_engine_that_cannot_start_ends_what_waits_for_it(
    session: Session, bridge: FakeBridge
) -> None:
    session.load()
    session.runs.generate("Once")  # may be pressed at once; the command waits in the queue
    assert session.runs.running
    failure = unknown_error(ImportError("no torch"))
    bridge.events.emit([EngineFailed(failure, "Traceback …")])
    assert not session.runs.running
    assert session.load_state is LoadState.FAILED
    assert session.problem is not None
    assert session.problem.error is failure


def test_nothing_is_asked_of_an_engine_that_is_gone(session: Session, bridge: FakeBridge) -> None:
    session.load()
    bridge.events.emit([EngineFailed(unknown_error(ImportError("no torch")), "Traceback …")])
    session.clear_problem()
    sent = len(bridge.commands)
    session.runs.generate("Once")
    assert not session.runs.running
    assert len(bridge.commands) == sent
    assert session.problem is not None
    session.clear_problem()
    session.load()
    assert len(bridge.commands) == sent
    assert session.problem is not None
    assert not any(isinstance(command, Generate) for command in bridge.commands)


def test_a_run_that_waited_for_a_load_tells_why_the_load_failed(
    session: Session, bridge: FakeBridge
) -> None:
    session.load()
    bridge.ready()
    session.runs.generate("Once")
    missing = NotDownloadedError("hub:owner/name")
    bridge.events.emit([Failed(bridge.last(Load).id, missing)])
    bridge.events.emit([Failed(bridge.last(Generate).id, RecipeError("No recipe is loaded"))])
    assert not session.runs.running
    assert session.problem is not None
    assert session.problem.error is missing
