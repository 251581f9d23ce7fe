"""Tests of the background queue: order, threads, errors and cancelled callbacks."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from app.errors import Cancelled, HubError, TuneshiftError
from app.ui.state.background import Background


@pytest.fixture
def background(qtbot: QtBot) -> Iterator[Background]:
    background = Background("test")
    yield background
    background.close()
    assert background.join(60)


def unexpected(value: object) -> None:
    raise AssertionError(f"nobody should be told {value!r}")


def test_answers_come_in_order_on_the_thread_of_the_window(
    background: Background, qtbot: QtBot
) -> None:
    ran_on, answers = [], []

    def work(number: int) -> int:
        ran_on.append(threading.current_thread())
        return number

    for number in range(5):
        background.run(
            background,
            lambda number=number: work(number),
            lambda number: answers.append((number, threading.current_thread())),
            unexpected,
        )
    qtbot.waitUntil(lambda: len(answers) == 5)
    assert answers == [(number, threading.main_thread()) for number in range(5)]
    assert threading.main_thread() not in ran_on


def test_the_thread_ends_when_there_is_no_work(background: Background, qtbot: QtBot) -> None:
    answers: list[int] = []
    for _ in range(3):
        background.run(background, lambda: 1, answers.append, unexpected)
        qtbot.waitUntil(lambda: bool(answers))
        answers.clear()
        assert background.join(60)
        assert "test" not in [thread.name for thread in threading.enumerate()]


def test_an_error_a_person_can_cause_is_passed_on(background: Background, qtbot: QtBot) -> None:
    told: list[TuneshiftError] = []
    error = HubError("The Hub is away")

    def fail() -> None:
        raise error

    background.run(background, fail, unexpected, told.append)
    qtbot.waitUntil(lambda: bool(told))
    assert told == [error]


def test_a_bug_is_reported_and_the_next_job_still_runs(
    background: Background, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[TuneshiftError] = []
    answers: list[int] = []
    background.run(background, lambda: 1 // 0, unexpected, told.append)
    background.run(background, lambda: 1, answers.append, unexpected)
    qtbot.waitUntil(lambda: bool(answers))
    assert "ZeroDivisionError" in str(told[0])
    assert "ZeroDivisionError" in caplog.text


def test_cancelled_jobs_call_no_callback(background: Background, qtbot: QtBot) -> None:
    answers: list[int] = []

    def give_up() -> None:
        raise Cancelled

    background.run(background, give_up, unexpected, unexpected)
    background.run(background, lambda: 1, answers.append, unexpected)
    qtbot.waitUntil(lambda: bool(answers))


def test_deleted_owners_and_forgotten_jobs_get_no_answer(
    background: Background, qtbot: QtBot
) -> None:
    gone, answers, gate = QObject(), [], threading.Event()
    ran: list[str] = []
    background.run(gone, lambda: gate.wait(60), unexpected, unexpected)
    running = background.run(background, lambda: ran.append("running"), unexpected, unexpected)
    waiting = background.run(background, lambda: ran.append("waiting"), unexpected, unexpected)
    background.run(background, lambda: 1, answers.append, unexpected)
    background.forget(running)
    background.forget(waiting)
    delete(gone)
    gate.set()
    qtbot.waitUntil(lambda: bool(answers))
    assert ran == []


def test_close_drops_waiting_jobs_and_lets_the_running_one_end(qtbot: QtBot) -> None:
    background, gate, began = Background("test"), threading.Event(), threading.Event()
    ended: list[bool] = []

    def work() -> None:
        began.set()
        ended.append(gate.wait(60))

    background.run(background, work, unexpected, unexpected)
    background.run(background, lambda: ended.append(False), unexpected, unexpected)
    assert began.wait(60)
    background.close()
    assert not background.join(0)
    gate.set()
    assert background.join(60)
    background.run(background, work, unexpected, unexpected)
    assert background.join(0)
    assert ended == [True]


def test_close_may_let_waiting_jobs_run(qtbot: QtBot) -> None:
    background, gate = Background("test"), threading.Event()
    ended: list[int] = []
    background.run(background, lambda: gate.wait(60), unexpected, unexpected)
    background.run(background, lambda: ended.append(1), unexpected, unexpected)
    background.close(finish=True)
    background.run(background, lambda: ended.append(2), unexpected, unexpected)
    gate.set()
    assert background.join(60)
    assert ended == [1]
