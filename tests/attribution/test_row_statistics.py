"""Ranks, top ids and normalizers of rows with many ties, against plain float64 definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from app.attribution.candidates import keep_candidates
from app.attribution.row_statistics import log_normalizers, ranks, top
from app.decoding.tuned_logits import tuned_logits
from app.decoding.types import FloatArray, RoleLogits


def rows_with_ties(count: int, size: int, seed: int, masked: float = 0.0) -> FloatArray:
    """Rows of few distinct values, as models that compute in bfloat16 give them; some are −inf."""
    random = np.random.default_rng(seed)
    rows = np.round(random.normal(0, 2, (count, size)) * 4).astype(np.float32) / 4
    rows[random.random((count, size)) < masked] = -np.inf
    rows[:, -1] = 1.0  # no row is all −inf
    return rows


def definition_of_ranks(row: FloatArray, ids: list[int]) -> list[int]:
    values = row.astype(np.float64)
    return [1 + sum(1 for value in values if value > values[token_id]) for token_id in ids]


def definition_of_top(row: FloatArray, count: int) -> list[int]:
    finite = [token_id for token_id in range(len(row)) if row[token_id] > -np.inf]
    return sorted(finite, key=lambda token_id: (-float(row[token_id]), token_id))[:count]


@pytest.mark.slow
@given(
    count=st.integers(1, 4),
    size=st.integers(1, 700),
    wanted=st.integers(1, 60),
    masked=st.sampled_from([0.0, 0.3, 0.99]),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=150, deadline=None)
def test_top_ids_are_in_order_with_ties_by_id(
    count: int, size: int, wanted: int, masked: float, seed: int
) -> None:
    rows = rows_with_ties(count, size, seed, masked)
    found = top(rows, wanted)
    assert [ids.tolist() for ids in found] == [definition_of_top(row, wanted) for row in rows]


@pytest.mark.parametrize("masked", [0.0, 0.5])
@pytest.mark.parametrize("size", [1, 40, 3000])
def test_ranks_count_the_higher_logits(size: int, masked: float) -> None:
    (row,) = rows_with_ties(1, size, 7, masked)
    for seed, few in enumerate((1, 2, min(size, 30))):
        ids = np.random.default_rng(seed).choice(size, few, replace=size < few)
        assert ranks(row, ids).tolist() == definition_of_ranks(row, ids.tolist())


@pytest.mark.parametrize("pairs", [0, 1, 2])
def test_candidates_of_rows_with_ties_have_exact_ranks(pairs: int) -> None:
    base, *rows = rows_with_ties(1 + 2 * pairs, 2500, 3)
    logits = RoleLogits(base, tuple(rows[:pairs]), tuple(rows[pairs:]))
    alphas = [0.5, -1.0][:pairs]
    kept = keep_candidates(logits, alphas, 9)
    tuned = tuned_logits(logits, alphas)
    ids = kept.token_ids.tolist()
    assert kept.rank_base.tolist() == definition_of_ranks(base, ids)
    assert kept.rank_tuned.tolist() == definition_of_ranks(tuned, ids)
    wanted = {9, *definition_of_top(tuned, 50)}
    for row in (base, *rows):
        wanted |= set(definition_of_top(row, 24))
    assert set(ids) == wanted


def test_normalizers_are_log_sums_of_exponentials() -> None:
    rows = rows_with_ties(3, 2000, 5, 0.2)
    exact = logsumexp(rows.astype(np.float64), axis=1)
    assert log_normalizers(rows) == pytest.approx(exact, abs=1e-5)
    assert log_normalizers(rows, rows.max(axis=1)) == pytest.approx(exact, abs=1e-5)
