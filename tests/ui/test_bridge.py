"""Tests of the interval of frames, with clocks set by the test."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.decoding.types import GenerationConfig
from app.engine.commands import Generate, Unload
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.events import EngineReady
from app.engine.frame_pause import FramePause
from app.ui import bridge as bridge_module
from app.ui.bridge import Bridge
from app.ui.drawing_pace import FRAMES, SLOW_EVENT_SECONDS

EVENT = EngineReady(("cpu",), "2.13.0")


class Clocks:
    """Fake wall clock and CPU clock of the window's thread, in seconds."""

    def __init__(self) -> None:
        self.now = self.spent = 100.0

    def monotonic(self) -> float:
        return self.now

    perf_counter = monotonic

    def thread_time(self) -> float:
        return self.spent


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr(bridge_module, "time", clocks)
    return clocks


@pytest.fixture
def bridge(qapp: QApplication, clocks: Clocks) -> Bridge:
    return Bridge()  # the engine is not started


def run() -> Generate:
    """A command that generates."""
    alphas = LiveAlphas((1.0,))
    return Generate(1, "Once", GenerationConfig(), alphas, Cancellation())


def come(bridge: Bridge) -> None:
    bridge._engine.outbox.put(EVENT)
    QApplication.sendPostedEvents(bridge)  # wakes the bridge


def frame(bridge: Bridge, clocks: Clocks, *, cost: float, passed: float, events: int) -> int:
    """Draw a frame and, after this time in seconds, the next one; the interval that follows."""
    come(bridge)
    bridge._drain()
    clocks.spent += cost  # the cost of painting
    clocks.now += passed
    for _ in range(events):
        bridge._engine.outbox.put(EVENT)
    bridge._drain()
    assert bridge._frame.isActive()
    return bridge._frame.interval()


@pytest.mark.parametrize(
    ("cost_ms", "frame_ms"),
    [
        (0.1, FRAMES.shortest_ms),
        (1.5, 1.5 / FRAMES.share),
        (1000.0, FRAMES.longest_ms),
    ],
)
def test_expensive_frames_lengthen_the_interval(
    bridge: Bridge, clocks: Clocks, cost_ms: float, frame_ms: float
) -> None:
    interval = frame(bridge, clocks, cost=cost_ms / 1000, passed=0.1, events=10)
    assert interval == pytest.approx(frame_ms, abs=1)


def test_slow_events_do_not_wait_for_each_other(bridge: Bridge, clocks: Clocks) -> None:
    slow = 1.01 * SLOW_EVENT_SECONDS
    assert frame(bridge, clocks, cost=0.01, passed=3 * slow, events=3) == FRAMES.shortest_ms
    fast = 0.99 * SLOW_EVENT_SECONDS
    assert frame(bridge, clocks, cost=0.01, passed=3 * fast, events=3) == FRAMES.longest_ms


def test_the_first_event_after_a_standstill_is_drawn_at_once(
    bridge: Bridge, clocks: Clocks
) -> None:
    come(bridge)
    assert bridge._frame.interval() == 0
    bridge._drain()
    bridge._begin_frame()  # the outbox is empty: the next event brings the frame
    assert not bridge._frame.isActive()
    assert bridge._pause.asked
    clocks.now += 60
    clocks.spent += 10  # other work of the window
    received: list[list[object]] = []
    bridge.events.connect(received.append)
    come(bridge)
    assert received == [[EVENT]]
    assert bridge._frame.isActive()
    assert bridge._frame.interval() == FRAMES.shortest_ms


def test_events_soon_after_a_frame_wait_for_the_next_frame(bridge: Bridge, clocks: Clocks) -> None:
    received: list[list[object]] = []
    bridge.events.connect(received.append)
    come(bridge)
    bridge._drain()
    clocks.now += 0.010
    come(bridge)
    assert received == [[EVENT]]
    assert bridge._frame.isActive()
    assert bridge._frame.interval() == FRAMES.shortest_ms


def test_an_idle_engine_is_not_waited_for(bridge: Bridge) -> None:
    received: list[list[object]] = []
    bridge.events.connect(received.append)
    bridge._engine.outbox.put(EVENT)
    bridge._begin_frame()
    assert received == [[EVENT]]
    assert not bridge._pause.asked


class Painted(QWidget):
    """A widget that is painted again when events come."""

    def __init__(self, order: list[str]) -> None:
        super().__init__()
        self._order = order

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        self._order.append("painted")


@pytest.mark.parametrize("begins", [False, True])
def test_a_busy_engine_waits_until_its_event_has_been_painted(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, begins: bool
) -> None:
    """With the first event of a run, too, so that the new run is not drawn beside the engine."""
    monkeypatch.setattr(FramePause, "LONGEST_SECONDS", 60.0)
    order: list[str] = []
    widget = Painted(order)
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    bridge = Bridge()
    bridge.events.connect(lambda events: (order.append("delivered"), widget.update()))
    if begins:
        bridge.submit(run())  # the engine is not started
    else:
        bridge._begin_frame()
    order.clear()

    def decode() -> None:
        bridge._engine.outbox.put(EVENT)
        order.append("went on")

    engine = threading.Thread(target=decode)
    engine.start()
    qtbot.waitUntil(lambda: "went on" in order, timeout=60_000)
    engine.join()
    delivered = order.index("delivered")
    painted = order.index("painted", delivered)  # any paint before has another cause
    assert painted < order.index("went on")
    bridge.close()


def test_only_runs_begin_with_a_pause(bridge: Bridge) -> None:
    bridge.submit(Unload(1, Cancellation()))
    assert not bridge._pause.asked
    bridge.submit(run())
    assert bridge._pause.asked


def test_without_another_event_the_frame_is_drawn_beside_the_engine(
    qtbot: QtBot, qapp: QApplication
) -> None:
    bridge = Bridge()
    bridge._engine.submit(Unload(1, Cancellation()))  # the engine is not started: it stays busy
    with qtbot.waitSignal(bridge.events, timeout=60_000) as received:
        bridge._engine.outbox.put(EVENT)
        bridge._begin_frame()
        assert bridge._late.isActive()
    assert received.args == [[EVENT]]
    assert not bridge._pause.asked
    bridge.close()
