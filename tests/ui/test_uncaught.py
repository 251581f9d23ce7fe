"""Tests that uncaught exceptions of any thread or coroutine are shown in the window."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest
from pytestqt.qtbot import QtBot

from app.ui.state.session import Session
from app.ui.uncaught import UncaughtExceptions


def fail() -> None:
    raise RuntimeError("nobody expected this")


def in_a_slot() -> None:
    try:
        fail()
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)  # like PySide


def in_a_thread() -> None:
    thread = threading.Thread(target=fail, name="somebody's")
    thread.start()
    thread.join()


@pytest.mark.parametrize("happens", [in_a_slot, in_a_thread])
def test_an_uncaught_exception_is_shown_with_its_traceback(
    qtbot: QtBot, session: Session, happens: object
) -> None:
    before = sys.excepthook, threading.excepthook
    with UncaughtExceptions(session), qtbot.waitSignal(session.problem_changed):
        happens()  # type: ignore[operator]
    assert (sys.excepthook, threading.excepthook) == before
    assert session.problem is not None
    assert "nobody expected this" in str(session.problem.error)
    assert "in fail" in session.problem.details


def test_an_exception_of_a_coroutine_is_shown(qtbot: QtBot, session: Session) -> None:
    loop = asyncio.new_event_loop()
    with UncaughtExceptions(session) as uncaught, qtbot.waitSignal(session.problem_changed):
        uncaught.watch(loop)
        loop.call_soon(fail)
        loop.call_soon(loop.stop)
        loop.run_forever()
    loop.close()
    assert session.problem is not None
    assert "nobody expected this" in str(session.problem.error)
