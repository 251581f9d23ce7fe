"""Tests of the selected token and the selected range."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.ui.state.runs.selection import Selection
from app.ui.state.session import Session


class Flip:
    """The attributes of a token that the selection uses."""

    def __init__(self, index: int, flipped: bool) -> None:
        self.index = index
        self.attribution = self
        self.flipped = flipped


@pytest.fixture
def of(qapp: object) -> Callable[..., Selection]:
    owner = QObject()

    def make(*flips: bool) -> Selection:
        tokens = [Flip(index, flipped) for index, flipped in enumerate(flips)]
        run = SimpleNamespace(tokens=tokens)
        return Selection(lambda: run, owner)  # type: ignore[arg-type, return-value]

    make.owner = owner  # type: ignore[attr-defined]
    return make


def test_the_nearest_token_is_selected(of: Callable[..., Selection], qtbot: QtBot) -> None:
    selection = of(False, False, False)
    with qtbot.waitSignal(selection.changed):
        selection.select(9)
    assert selection.token == 2
    with qtbot.assertNotEmitted(selection.changed):
        selection.select(2)
    selection.select(-4)
    assert selection.token == 0
    selection.select(None)
    assert selection.token is None


def test_nothing_can_be_selected_without_tokens(of: Callable[..., Selection]) -> None:
    selection = of()
    selection.select(3)
    selection.move(1)
    selection.move_to_flip(1)
    selection.select_range((0, 4))
    assert selection.token is None
    assert selection.range is None


def test_moving_without_a_selection_starts_at_either_end(of: Callable[..., Selection]) -> None:
    selection = of(False, False, False)
    selection.move(-1)
    assert selection.token == 2
    selection.clear()
    selection.move(1)
    assert selection.token == 0
    selection.move(5)
    assert selection.token == 2


def test_flips_are_selected_in_both_directions(of: Callable[..., Selection]) -> None:
    selection = of(False, True, False, True, False)
    selection.move_to_flip(1)
    assert selection.token == 1
    selection.move_to_flip(1)
    assert selection.token == 3
    selection.move_to_flip(1)
    assert selection.token == 3  # there is no later flip
    selection.select(4)
    selection.move_to_flip(-1)
    assert selection.token == 3
    selection.clear()
    selection.move_to_flip(-1)
    assert selection.token == 3


@given(first=st.integers(-3, 8), end=st.integers(-3, 8))
def test_a_range_is_clamped_to_the_run(first: int, end: int) -> None:
    tokens = [Flip(index, False) for index in range(5)]
    owner = QObject()
    run = SimpleNamespace(tokens=tokens)
    selection = Selection(lambda: run, owner)  # type: ignore[arg-type, return-value]
    selection.select_range((first, end))
    inside = [index for index in range(5) if first <= index < end]
    assert selection.range == ((inside[0], inside[-1] + 1) if inside else None)


def test_shared_tokens_stay_selected_in_another_run(
    of: Callable[..., Selection], qtbot: QtBot
) -> None:
    selection = of(*[False] * 6)
    selection.select(3)
    selection.select_range((1, 4))
    with qtbot.assertNotEmitted(selection.changed):
        selection.keep(4)
    assert selection.token == 3
    assert selection.range == (1, 4)
    with qtbot.waitSignals([selection.changed, selection.range_changed]):
        selection.keep(3)
    assert selection.token is None
    assert selection.range is None


def test_the_session_selects_in_the_shown_run(finished_session: Session) -> None:
    finished_session.selection.select(1000)
    assert finished_session.selection.token == 59
