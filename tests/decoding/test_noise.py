"""The noise is random in ids, positions and seeds alike, on the host as on a device."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from app.decoding.block_sampling import exponentials_of_all
from app.decoding.noise import exponentials, key_of, signed, smallest
from app.decoding.types import MAX_SEED

ALL = np.arange(20_000)


def test_noise_belongs_to_seed_and_position() -> None:
    first = exponentials(key_of(5, 9), ALL)
    assert np.array_equal(first, exponentials(key_of(5, 9), ALL))
    for other in (key_of(5, 10), key_of(6, 9), key_of(MAX_SEED, 9)):
        assert np.abs(np.corrcoef(first, exponentials(other, ALL))[0, 1]) < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("along", ["ids", "positions", "seeds"])
def test_it_is_exponential_along_every_axis(along: str) -> None:
    if along == "ids":
        values = exponentials(key_of(5, 9), ALL)
    elif along == "positions":
        values = np.array([exponentials(key_of(1, at), ALL[7:8])[0] for at in range(4000)])
    else:
        values = np.array([exponentials(key_of(seed, 3), ALL[:1])[0] for seed in range(4000)])
    assert stats.kstest(values, "expon").pvalue > 1e-3
    for lag in (1, 2, 3):
        assert np.abs(np.corrcoef(values[:-lag], values[lag:])[0, 1]) < 0.06


def test_neighbours_in_the_vocabulary_and_in_the_text_are_independent() -> None:
    """A table of halves: 2 × 2 × 2, of an id, the next id, and the same id one position later."""
    rows = [exponentials(key_of(2, at), ALL) < np.log(2) for at in range(20)]
    cells = [4 * now[:-1] + 2 * now[1:] + later[:-1] for now, later in pairwise(rows)]
    counts = np.bincount(np.concatenate(cells).astype(int), minlength=8)
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.slow
@given(
    seed=st.integers(0, MAX_SEED),
    position=st.integers(0, 1_000_000),
    ids=st.lists(st.integers(0, 300_000), min_size=1, max_size=20),
)
def test_some_ids_have_the_noise_they_have_among_all(
    seed: int, position: int, ids: list[int]
) -> None:
    key = key_of(seed, position)
    everything = exponentials(key, np.arange(max(ids) + 1))
    assert np.array_equal(exponentials(key, np.array(ids)), everything[ids])
    assert everything.min() > 0


@given(bound=st.sampled_from([0.0, 1e-9, 1e-5, 0.01, 0.7, 3.0, 1e9]), position=st.integers(0, 1000))
def test_the_smallest_are_all_found(bound: float, position: int) -> None:
    key = key_of(0, position)
    everything = exponentials(key, np.arange(40_000))
    found = list(smallest(key, 40_000, bound))
    ids = np.concatenate([np.array([], dtype=np.int64), *(ids for ids, _ in found)])
    assert np.isin(np.flatnonzero(everything <= bound), ids).all()
    assert len(ids) <= 1.5 * 40_000 * min(bound, 1.0) + 60
    for some, noise in found:
        assert np.array_equal(noise, everything[some])


def test_a_device_computes_the_same_noise() -> None:
    keys = [key_of(seed, 3) for seed in range(20)]
    assert any(key >> 63 for key in keys)
    made = exponentials_of_all(torch.tensor([signed(key) for key in keys]), 5000)
    for row, key in zip(made, keys, strict=True):
        np.testing.assert_allclose(row.numpy(), exponentials(key, ALL[:5000]), rtol=1e-14)
