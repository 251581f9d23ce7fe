"""Tests of how often the plot is drawn, with the cost set by the test."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.drawing_pace import PLOTS
from app.ui.plot import redraw_pace
from app.ui.plot.redraw_pace import RedrawPace


class Clock:
    """Fake processor time of the window's thread, in seconds."""

    def __init__(self) -> None:
        self.spent = 5.0

    def thread_time(self) -> float:
        return self.spent


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(redraw_pace, "time", clock)
    return clock


def test_the_first_tokens_are_drawn_at_once(qtbot: QtBot, qapp: QApplication, clock: Clock) -> None:
    pace = RedrawPace()
    with qtbot.waitSignal(pace.due):
        pace.tokens_came()


@pytest.mark.parametrize(
    ("cost", "interval"),
    [(0.0, PLOTS.shortest_ms), (0.01, 0.01 / PLOTS.share * 1000), (1.0, PLOTS.longest_ms)],
)
def test_expensive_plots_are_drawn_less_often(
    qtbot: QtBot, qapp: QApplication, clock: Clock, cost: float, interval: float
) -> None:
    pace = RedrawPace()

    def draw() -> None:
        clock.spent += cost
        pace.drawn()

    pace.due.connect(draw)
    with qtbot.waitSignal(pace._painting.reached):
        pace.tokens_came()
    assert pace.interval_ms == pytest.approx(interval)
    pace.begin()
    assert pace.interval_ms == PLOTS.shortest_ms, "another run costs what it costs"


@pytest.mark.slow
def test_tokens_before_a_standstill_are_drawn_later(
    qtbot: QtBot, qapp: QApplication, clock: Clock
) -> None:
    pace = RedrawPace()
    pace.drawn()
    drawn: list[bool] = []
    pace.due.connect(lambda: drawn.append(True))
    pace.tokens_came()
    assert drawn == []
    with qtbot.waitSignal(pace.due, timeout=60_000):
        pass
