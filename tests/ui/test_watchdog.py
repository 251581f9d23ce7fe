"""The watchdog of the window's tests sees what it is for."""

from __future__ import annotations

import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from tests.ui import watchdog as watching
from tests.ui.watchdog import APP, Watchdog, watched

pytestmark = pytest.mark.slow

CODE = """
def compute(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass

def call(act):
    act()
"""


@pytest.fixture(autouse=True)
def nothing_holds_the_window() -> None:
    """These tests do what the fixture of this name forbids."""


@pytest.fixture
def slots() -> dict[str, Callable[..., None]]:
    """Functions that say they are in the window's code."""
    names: dict[str, Callable[..., None]] = {"time": time}  # type: ignore[dict-item]
    exec(compile(CODE, str(APP / "ui" / "invented.py"), "exec"), names)
    return names


@pytest.fixture
def dog(qapp: QObject) -> Iterator[Watchdog]:
    dog = Watchdog(0.05)
    dog.start()
    with watched(dog):
        yield dog
    dog.stop()


@pytest.mark.skipif(not watching.MEASURES_THREADS, reason="no processor time of other threads")
def test_a_long_slot_is_found_with_its_stack(
    dog: Watchdog, slots: dict[str, Callable[..., None]], qtbot: QtBot
) -> None:
    QTimer.singleShot(0, lambda: slots["compute"](0.3))
    qtbot.waitUntil(lambda: bool(dog.found), timeout=60_000)
    (found,) = dog.found
    assert found.startswith("invented.py:compute has taken ")
    assert "in compute" in found


def test_many_short_slots_are_none_that_is_long(
    dog: Watchdog, slots: dict[str, Callable[..., None]]
) -> None:
    for _ in range(50):
        slots["compute"](0.01)
    assert dog.found == []


def test_what_other_threads_and_other_code_compute_does_not_count(
    dog: Watchdog, slots: dict[str, Callable[..., None]]
) -> None:
    thread = threading.Thread(target=slots["compute"], args=(0.2,))
    thread.start()
    end = time.thread_time() + 0.2
    while time.thread_time() < end:
        pass
    thread.join()
    assert dog.found == []


@pytest.mark.parametrize(
    ("name", "act"),
    [
        ("sqlite3.connect", lambda: sqlite3.connect(":memory:").close()),
        ("Condition.wait", lambda: threading.Event().wait(0.001)),
        ("subprocess.Popen", lambda: subprocess.run(["true"], check=True)),
    ],
)
def test_calls_that_may_block_are_found_on_the_window_thread_alone(
    dog: Watchdog, slots: dict[str, Callable[..., None]], name: str, act: Callable[[], object]
) -> None:
    act()  # by a test
    thread = threading.Thread(target=slots["call"], args=(act,))
    thread.start()
    thread.join()
    assert dog.found == []
    slots["call"](act)
    (found,) = dog.found
    assert found.startswith(f"{name} in invented.py:call\n")


def test_what_is_allowed_is_there() -> None:
    """A name that is gone from the program does not stay in the list."""
    places = {place for _, place in watching.ALLOWED_CALLS} | watching.ALLOWED_SLOTS
    for place in places:
        file, function = place.split(":")
        (path,) = (APP / "ui").rglob(file)
        assert f"def {function.split('.')[-1]}(" in path.read_text()
