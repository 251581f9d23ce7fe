"""Tests of how often a view is drawn, with the cost set by the test."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.drawing_pace import FIGURES, PLOTS, DrawingPace
from app.ui.widgets import redraw_pace
from app.ui.widgets.redraw_pace import RedrawPace


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
    pace = RedrawPace(PLOTS)
    with qtbot.waitSignal(pace.due):
        pace.tokens_came()


@pytest.mark.parametrize(
    ("kind", "cost", "interval"),
    [
        (PLOTS, 0.0, PLOTS.shortest_ms),
        (PLOTS, 0.01, 0.01 / PLOTS.share * 1000),
        (PLOTS, 1.0, PLOTS.longest_ms),
        (FIGURES, 0.003, 0.003 / FIGURES.share * 1000),
        (FIGURES, 0.01, FIGURES.longest_ms),
    ],
)
def test_expensive_views_are_drawn_less_often(
    qtbot: QtBot,
    qapp: QApplication,
    clock: Clock,
    kind: DrawingPace,
    cost: float,
    interval: float,
) -> None:
    pace = RedrawPace(kind)

    def draw() -> None:
        clock.spent += cost
        pace.drawn()

    pace.due.connect(draw)
    with qtbot.waitSignal(pace._painting.reached):
        pace.tokens_came()
    assert pace.interval_ms == pytest.approx(interval)
    pace.begin()
    assert pace.interval_ms == kind.shortest_ms, "another run costs what it costs"


@pytest.mark.slow
def test_tokens_before_a_standstill_are_drawn_later(
    qtbot: QtBot, qapp: QApplication, clock: Clock
) -> None:
    pace = RedrawPace(PLOTS)
    pace.drawn()
    drawn: list[bool] = []
    pace.due.connect(lambda: drawn.append(True))
    pace.tokens_came()
    assert drawn == []
    with qtbot.waitSignal(pace.due, timeout=60_000):
        pass
