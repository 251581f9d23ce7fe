"""Tests of the interval of frames, with clocks set by the test."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from app.engine.events import EngineReady
from app.ui import bridge as bridge_module
from app.ui.bridge import CPU_SHARE, FRAME_MS, SLOWEST_FRAME_MS, Bridge


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


def come(bridge: Bridge) -> None:
    bridge._engine.outbox.put(EngineReady(("cpu",), "2.13.0"))
    QApplication.sendPostedEvents(bridge)  # wakes the bridge


@pytest.mark.parametrize(
    ("cost_ms", "frame_ms"),
    [(0.1, FRAME_MS), (2.0, 2.0 / CPU_SHARE), (1000.0, SLOWEST_FRAME_MS)],
)
def test_expensive_frames_lengthen_the_interval(
    bridge: Bridge, clocks: Clocks, cost_ms: float, frame_ms: float
) -> None:
    come(bridge)
    bridge._drain()
    bridge._engine.outbox.put(EngineReady(("cpu",), "2.13.0"))
    clocks.spent += cost_ms / 1000  # the cost of painting
    bridge._drain()
    assert bridge._frame.isActive()
    assert bridge._frame.interval() == pytest.approx(frame_ms, abs=1)


def test_the_first_event_after_a_pause_is_delivered_at_once(bridge: Bridge, clocks: Clocks) -> None:
    come(bridge)
    assert bridge._frame.interval() == 0
    bridge._drain()
    bridge._drain()
    assert not bridge._frame.isActive()  # the outbox was empty
    clocks.now += 60
    clocks.spent += 10  # other work of the window
    come(bridge)
    assert bridge._frame.interval() == 0
    bridge._drain()
    assert bridge._frame.interval() == FRAME_MS


def test_events_soon_after_a_frame_wait_for_the_next_frame(bridge: Bridge, clocks: Clocks) -> None:
    come(bridge)
    bridge._drain()
    bridge._drain()
    clocks.now += 0.010
    come(bridge)
    assert bridge._frame.interval() == pytest.approx(FRAME_MS - 10, abs=1)
