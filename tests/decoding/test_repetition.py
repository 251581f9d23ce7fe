"""A text that goes round in circles is told from one that does not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.decoding.repetition import LEAST_COVERED, Repetition, repetition


def test_one_token_over_and_over() -> None:
    assert repetition([7] * (LEAST_COVERED - 1)) is None
    assert repetition([7] * LEAST_COVERED) == Repetition(1, LEAST_COVERED)


def test_the_shortest_cycle_is_named() -> None:
    assert repetition([1, 2] * 50) == Repetition(2, 50)
    assert repetition([9, 9, 5, *[1, 2, 3] * 30, 1]) == Repetition(3, 30)


@pytest.mark.parametrize("length", [22, 100, 128])
def test_a_long_cycle_must_come_three_times(length: int) -> None:
    cycle = list(range(length))
    assert repetition(cycle * 2 + cycle[:-1]) is None
    assert repetition(cycle * 3) == Repetition(length, 3)


def test_ordinary_texts_are_none() -> None:
    drawn = random.Random(0)
    assert repetition([]) is None
    assert repetition([drawn.randrange(5) for _ in range(2000)]) is None
    assert repetition([*[1, 2, 3] * 40, 4]) is None  # it has gone on


@given(
    before=st.lists(st.integers(0, 3), max_size=10),
    cycle=st.lists(st.integers(0, 3), min_size=1, max_size=12),
    rounds=st.integers(1, 90),
    rest=st.integers(0, 11),
)
def test_what_is_found_is_there(
    before: list[int], cycle: list[int], rounds: int, rest: int
) -> None:
    ids = [*before, *cycle * rounds, *cycle[: rest % len(cycle)]]
    found = repetition(ids)
    if found is None:
        assert rounds * len(cycle) < max(LEAST_COVERED, 3 * len(cycle))
    else:
        end = ids[-found.length * found.times :]
        assert end == end[: found.length] * found.times
        assert found.length <= len(cycle)
