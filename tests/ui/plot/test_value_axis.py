"""Tests of the numbers at the axis of values."""

from __future__ import annotations

import itertools

import pytest
from pytestqt.qtbot import QtBot

from app.ui.plot.titled_axis import title_height
from app.ui.plot.value_axis import ValueAxis

RANGES = [(-0.126, 1.08), (-28.0, 25.5), (-0.03, 1.05), (-67.2, 67.2), (-1.7, 0.2), (-0.1, 4.9)]


@pytest.mark.parametrize("height", [30, 44, 62, 90, 150, 400])
@pytest.mark.parametrize("limits", RANGES)
@pytest.mark.parametrize("ranks", [False, True])
def test_numbers_never_overlap(
    height: int, limits: tuple[float, float], ranks: bool, qtbot: QtBot
) -> None:
    axis = ValueAxis()
    axis.show_ranks(ranks)
    low, high = limits
    levels = axis.tickValues(low, high, height)
    values = sorted(value for _, level in levels for value in level)
    assert 0.0 in values
    assert all(low - 1e-9 <= value <= high + 1e-9 for value in values)
    pixels = height / (high - low)
    gaps = [(after - before) * pixels for before, after in itertools.pairwise(values)]
    assert all(gap >= title_height() - 1e-6 for gap in gaps)
    assert ranks or height < 60 or len(values) > 1


def test_negative_numbers_have_a_minus_sign(qtbot: QtBot) -> None:
    axis = ValueAxis()
    assert axis.tickStrings([-20.0, 0.0, 20.0], 1.0, 20.0) == ["−20", "0", "20"]
    assert axis.tickStrings([-0.5, 0.0, 0.5], 1.0, 0.5) == ["−0.5", "0", "0.5"]


def test_an_axis_without_room_has_no_numbers(qtbot: QtBot) -> None:
    assert ValueAxis().tickValues(0.0, 0.0, 50) == []
    assert ValueAxis().tickValues(0.0, 1.0, 0) == []
