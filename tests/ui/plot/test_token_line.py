"""Tests of the corners of the line of a plot."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF
from pytestqt.qtbot import QtBot

from app.ui.plot.token_line import TokenLine


class _Corners:
    """Stands for a painter, and keeps the corners of the line."""

    def __init__(self) -> None:
        self.found: list[tuple[float, float]] = []

    def setPen(self, pen: object) -> None:  # noqa: N802 — Qt's name
        """Nothing is drawn."""

    def drawPolyline(self, points: list[QPointF]) -> None:  # noqa: N802 — Qt's name
        self.found = [(point.x(), point.y()) for point in points]


def corners(values: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    line, painter = TokenLine(), _Corners()
    monkeypatch.setattr(line, "viewRect", lambda: QRectF(0, 0, len(values), 2))
    line.set_values(values)
    line.paint(painter)  # type: ignore[arg-type]
    return painter.found


@pytest.mark.parametrize("count", [2, 3, 2000])
def test_a_level_line_has_two_corners(
    count: int, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert corners(np.full(count, 0.4), monkeypatch) == [(0, 0.4), (count - 1, 0.4)]


@pytest.mark.parametrize("count", [0, 1])
def test_a_line_of_less_than_two_values(
    count: int, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert corners(np.full(count, 0.4), monkeypatch) == [(0, 0.4)][:count]


def test_the_line_passes_through_every_value(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    values = np.repeat(rng.integers(0, 3, 90), rng.integers(1, 6, 90)).astype(np.float64)
    found = corners(values, monkeypatch)
    assert len(found) < len(values)
    places, heights = zip(*found, strict=True)
    assert np.array_equal(np.interp(np.arange(len(values)), places, heights), values)


def test_values_that_are_not_known_have_no_corner(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.array([np.nan, 1, 1, 1, np.nan, np.nan, 1, 1, 0.5, np.nan])
    assert corners(values, monkeypatch) == [(1, 1), (3, 1), (6, 1), (7, 1), (8, 0.5)]
