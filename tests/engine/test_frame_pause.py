"""Tests of the pause of the engine in which a window draws."""

from __future__ import annotations

import threading

from app.engine.events import EngineReady
from app.engine.frame_pause import FramePause
from app.engine.worker import Outbox

_PATIENCE = 60  # seconds
_EVENT = EngineReady(("cpu",), "2.13.0")


class _Window:
    """Notes when it is called to draw or woken, and when the engine has put out its event."""

    def __init__(self, longest: float = _PATIENCE) -> None:
        self.called = threading.Event()
        self.woken = threading.Event()
        self.went_on = threading.Event()
        self.pause = FramePause(self.called.set)
        self.pause.LONGEST_SECONDS = longest  # type: ignore[misc]
        self.outbox = Outbox(self.woken.set, pause=self.pause)

    def put_on_a_thread(self) -> threading.Thread:
        def put() -> None:
            self.outbox.put(_EVENT)
            self.went_on.set()

        thread = threading.Thread(target=put)
        thread.start()
        return thread


def test_the_engine_waits_until_the_window_has_drawn() -> None:
    window = _Window()
    window.pause.ask()
    engine = window.put_on_a_thread()
    assert window.called.wait(_PATIENCE)
    assert window.outbox.drain(8) == [_EVENT], "the event is there before the window is called"
    assert not window.went_on.is_set()
    window.pause.end()
    engine.join(_PATIENCE)
    assert window.went_on.is_set()
    assert not window.woken.is_set(), "it was called already"


def test_without_being_asked_the_engine_goes_on_and_wakes_the_window() -> None:
    window = _Window()
    window.put_on_a_thread().join(_PATIENCE)
    assert window.went_on.is_set()
    assert window.woken.is_set()
    assert not window.called.is_set()


def test_a_window_asks_for_one_pause_at_a_time() -> None:
    window = _Window(longest=0.0)
    window.pause.ask()
    assert window.pause.take()
    assert not window.pause.take()
    window.pause.ask()
    window.pause.end()
    assert not window.pause.take(), "a frame that was drawn without a pause needs none"


def test_the_engine_goes_on_by_itself_if_the_window_is_busy() -> None:
    window = _Window(longest=0.001)
    window.pause.ask()
    window.put_on_a_thread().join(_PATIENCE)
    assert window.called.is_set()
    assert window.went_on.is_set()


def test_the_end_of_a_pause_does_not_end_the_next_one() -> None:
    window = _Window()
    window.pause.end()
    window.pause.ask()
    engine = window.put_on_a_thread()
    assert window.called.wait(_PATIENCE)
    engine.join(0)
    assert not window.went_on.is_set()
    window.pause.end()
    engine.join(_PATIENCE)
    assert window.went_on.is_set()
