"""Tests of stacking bars, and of drawing one bar for several tokens."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.ui.plot.bars import greatest, stacked

shares = arrays(
    np.float64, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.floats(-1, 1)
)


@pytest.mark.slow
@given(shares)
def test_bars_stack_from_zero_and_add_up(heights: np.ndarray) -> None:
    bars = stacked(heights)
    np.testing.assert_array_equal(np.array([bar[1] for bar in bars]).T, heights)
    for token in range(len(heights)):
        edges = [
            sorted((bottoms[token], bottoms[token] + column[token])) for bottoms, column in bars
        ]
        assert all(low >= 0 or high <= 0 for low, high in edges), "each on one side of zero"
        above = sorted(edge for edge in edges if edge[1] > 0)
        below = sorted(edge for edge in edges if edge[0] < 0)
        for side in (above, below):
            for (_, end), (start, _) in itertools.pairwise(side):
                assert abs(end - start) < 1e-9, "no gap and no overlap"
        total = heights[token][heights[token] > 0].sum()
        assert abs(max([0.0, *(high for _, high in edges)]) - total) < 1e-9


@pytest.mark.slow
@given(shares, st.integers(1, 5))
def test_the_largest_of_several_neighbours_is_drawn(heights: np.ndarray, size: int) -> None:
    chosen = greatest(heights, size)
    moved = np.abs(heights).sum(axis=1)
    for place, index in enumerate(chosen):
        group = moved[place * size : (place + 1) * size]
        assert place * size <= index < place * size + len(group)
        assert moved[index] == group.max()
    assert len(chosen) == -(-len(heights) // size)
