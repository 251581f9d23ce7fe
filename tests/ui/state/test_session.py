"""Tests of the session with failures of the engine."""

from __future__ import annotations

from app.engine.commands import Generate, Load
from app.engine.events import EngineFailed, Failed
from app.errors import NotDownloadedError, RecipeError, unknown_error
from app.ui.state.session import LoadState, Session
from tests.ui.conftest import FakeBridge


def test_a_failed_engine_ends_everything_that_waits_for_it(
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


def test_a_failed_engine_gets_no_commands(session: Session, bridge: FakeBridge) -> None:
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


def test_a_run_that_waits_for_a_failed_load_has_its_error(
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
