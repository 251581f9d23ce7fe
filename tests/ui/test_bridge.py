"""How far apart frames are: the clocks are a test's own."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from app.engine.events import EngineReady
from app.ui import bridge as bridge_module
from app.ui.bridge import FRAME_MS, SHARE, SLOWEST_FRAME_MS, Bridge


class Clocks:
    """Seconds of the clock, and of the processor in the thread of the window."""

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
    return Bridge()  # its engine is not started


def come(bridge: Bridge) -> None:
    bridge._engine.outbox.put(EngineReady(("cpu",), "2.13.0"))
    QApplication.sendPostedEvents(bridge)  # which wakes it


@pytest.mark.parametrize(
    ("cost_ms", "frame_ms"),
    [(0.1, FRAME_MS), (4.0, 4.0 / SHARE), (1000.0, SLOWEST_FRAME_MS)],
)
def test_dear_frames_are_farther_apart(
    bridge: Bridge, clocks: Clocks, cost_ms: float, frame_ms: float
) -> None:
    come(bridge)
    bridge._drain()
    bridge._engine.outbox.put(EngineReady(("cpu",), "2.13.0"))
    clocks.spent += cost_ms / 1000  # painting what was drained
    bridge._drain()
    assert bridge._frame.isActive()
    assert bridge._frame.interval() == pytest.approx(frame_ms, abs=1)


def test_what_comes_after_a_pause_comes_at_once(bridge: Bridge, clocks: Clocks) -> None:
    come(bridge)
    assert bridge._frame.interval() == 0
    bridge._drain()
    bridge._drain()
    assert not bridge._frame.isActive()  # nothing came any more
    clocks.now += 60
    clocks.spent += 10  # a person typed
    come(bridge)
    assert bridge._frame.interval() == 0
    bridge._drain()
    assert bridge._frame.interval() == FRAME_MS


def test_what_comes_soon_after_a_frame_waits_for_the_next(bridge: Bridge, clocks: Clocks) -> None:
    come(bridge)
    bridge._drain()
    bridge._drain()
    clocks.now += 0.010
    come(bridge)
    assert bridge._frame.interval() == pytest.approx(FRAME_MS - 10, abs=1)
