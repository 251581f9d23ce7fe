"""Tests of drawing neighbouring tokens together where they are narrow."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.ui.plot.columns import column_size, in_columns

values = arrays(
    np.float64,
    st.one_of(st.tuples(st.integers(1, 40)), st.tuples(st.integers(1, 40), st.integers(1, 3))),
    elements=st.floats(-64, 64),
)


@pytest.mark.slow
@given(values, st.integers(1, 9))
def test_a_column_has_the_lowest_mean_and_highest_of_its_tokens(
    every: np.ndarray, size: int
) -> None:
    found = in_columns(every, size)
    parts = [every[start : start + size] for start in range(0, len(every), size)]
    assert len(found.places) == len(parts)
    for place, part in enumerate(parts):
        np.testing.assert_array_equal(found.low[place], part.min(axis=0))
        np.testing.assert_array_equal(found.high[place], part.max(axis=0))
        np.testing.assert_allclose(found.mean[place], part.mean(axis=0), atol=1e-9)
        assert found.places[place] == place * size + (len(part) - 1) / 2


def test_tokens_with_some_pixels_are_drawn_one_by_one() -> None:
    assert column_size(1 / 10) == column_size(1 / 3) == 1


@pytest.mark.parametrize("tokens_per_pixel", [0.5, 1.0, 1.7, 9.0])
def test_a_column_has_at_least_five_pixels(tokens_per_pixel: float) -> None:
    size = column_size(tokens_per_pixel)
    assert size == math.ceil(5 * tokens_per_pixel)


def test_ranges_that_are_all_the_same_say_nothing() -> None:
    noise = np.tile([0.0, 1.0], 50)
    steps = np.repeat([0.0, 0.5, 1.0, 0.2], 25)
    assert not in_columns(noise, 5).tell_apart
    assert in_columns(steps, 5).tell_apart
    assert not in_columns(np.zeros(0), 5).tell_apart
    assert not in_columns(np.zeros(20), 5).tell_apart
