"""The α curve against softmax of the formula, and its flips against a search for them."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from app.attribution.alpha_curve import (
    HIGHEST_ALPHA,
    LOWEST_ALPHA,
    alpha_curve,
    estimated_alpha_curve,
)
from app.attribution.candidates import keep_candidates
from app.decoding.types import RoleLogits
from tests.attribution.test_attribution import VOCABULARY, invent


def row_at(logits: RoleLogits, alphas: list[float]) -> np.ndarray:
    row = logits.base.astype(np.float64)
    for alpha, expert, anti in zip(alphas, logits.experts, logits.antiexperts, strict=True):
        row = row + alpha * (expert.astype(np.float64) - anti)
    return row


@pytest.mark.slow
@given(pairs=st.integers(1, 3), seed=st.integers(0, 10**6), data=st.data())
def test_every_point_is_softmax_of_the_formula(pairs: int, seed: int, data: st.DataObject) -> None:
    logits = invent(pairs, seed)
    pair = data.draw(st.integers(0, pairs - 1))
    alphas = data.draw(st.lists(st.floats(-2, 4), min_size=pairs, max_size=pairs))
    curve = alpha_curve(logits, alphas, pair, [3, 7])
    assert (curve.alphas[0], curve.alphas[-1]) == (LOWEST_ALPHA, HIGHEST_ALPHA)
    assert curve.token_ids[:2] == (3, 7)
    assert len(set(curve.token_ids)) == len(curve.token_ids)
    argmax = {token for flip in curve.flips for token in (flip.before, flip.after)}
    assert set(curve.token_ids[2:]) == argmax - {3, 7}
    for place, alpha in enumerate(curve.alphas):
        there = [alpha if i == pair else a for i, a in enumerate(alphas)]
        expected = softmax(row_at(logits, there))[list(curve.token_ids)]
        assert curve.probabilities[:, place] == pytest.approx(expected, abs=1e-12)


@given(pairs=st.integers(1, 3), seed=st.integers(0, 10**6))
def test_between_flips_one_token_is_the_most_probable(pairs: int, seed: int) -> None:
    logits = invent(pairs, seed)
    alphas = [0.5] * pairs
    flips = alpha_curve(logits, alphas, 0, [0]).flips
    edges = [LOWEST_ALPHA, *(flip.alpha for flip in flips), HIGHEST_ALPHA]
    assert edges == sorted(edges)
    first = int(np.argmax(row_at(logits, [LOWEST_ALPHA, *alphas[1:]])))
    best = [first, *(flip.after for flip in flips)]
    assert [flip.before for flip in flips] == best[:-1]
    for low, high, token in ((a, b, t) for (a, b), t in zip(pairwise(edges), best, strict=True)):
        for alpha in np.linspace(low, high, 5)[1:-1]:
            row = row_at(logits, [float(alpha), *alphas[1:]])
            assert row[token] == pytest.approx(row.max(), abs=1e-9)


def test_a_pair_that_changes_nothing_flips_nothing() -> None:
    same = invent(1, 0)
    curve = alpha_curve(RoleLogits(same.base, same.experts, same.experts), [1.0], 0, [5])
    assert curve.flips == ()
    assert np.ptp(curve.probabilities[0]) == 0


def test_masked_ids_stay_impossible() -> None:
    logits = invent(2, 1)
    for row in (logits.base, *logits.experts, *logits.antiexperts):
        row[:10] = -np.inf
    curve = alpha_curve(logits, [1.0, 1.0], 1, [4, 20])
    assert not curve.probabilities[0].any()
    assert np.isfinite(curve.probabilities).all()
    assert all(10 <= flip.after < VOCABULARY for flip in curve.flips)


@pytest.mark.parametrize("pairs", [1, 2])
def test_the_curve_of_the_candidates_is_near_the_exact_one(pairs: int) -> None:
    logits = invent(pairs, 4, np.float32, scale=2.0)
    alphas = [1.0, 0.4][:pairs]
    kept = keep_candidates(logits, alphas, 3, top_tuned=20, top_role=10)
    assert len(kept.token_ids) < len(logits.base)
    followed = [int(i) for i in kept.token_ids[:3]]
    exact = alpha_curve(logits, alphas, 0, followed)
    found = estimated_alpha_curve(kept, 0, followed)
    assert found.estimated
    assert not exact.estimated
    np.testing.assert_allclose(found.probabilities, exact.probabilities, atol=0.02)
    now = np.argmin(abs(exact.alphas - 1.0)), np.argmin(abs(exact.alphas))
    np.testing.assert_allclose(found.probabilities[:, now], exact.probabilities[:, now], rtol=1e-4)
    assert [f.alpha for f in found.flips] == pytest.approx([f.alpha for f in exact.flips])


lines = st.lists(st.tuples(st.integers(-6, 6), st.integers(-3, 3)), min_size=1, max_size=12)


@pytest.mark.slow
@given(lines)
def test_flips_are_those_of_exact_arithmetic_also_where_lines_meet(
    lines: list[tuple[int, int]],
) -> None:
    """The highest line between any two crossings, as fractions; of equal ones the first counts."""
    base = np.array([float(height) for height, _ in lines])
    expert = np.array([float(slope) for _, slope in lines])
    curve = alpha_curve(RoleLogits(base, (expert,), (np.zeros_like(expert),)), [0.0], 0, [0])
    crossings = {
        Fraction(one[0] - other[0], other[1] - one[1])
        for one, other in permutations(lines, 2)
        if one[1] != other[1]
    }
    low, high = Fraction(int(LOWEST_ALPHA)), Fraction(int(HIGHEST_ALPHA))
    inside = sorted(crossing for crossing in crossings if low < crossing < high)
    edges = [low, *inside, high]
    best = [
        max(lines, key=lambda line: line[0] + line[1] * (before + after) / 2)
        for before, after in pairwise(edges)
    ]
    turns = zip(edges[1:], pairwise(best), strict=False)
    expected = [(float(at), one, other) for at, (one, other) in turns if one != other]
    found = [(flip.alpha, lines[flip.before], lines[flip.after]) for flip in curve.flips]
    told = [flip for flip in found if LOWEST_ALPHA < flip[0] < HIGHEST_ALPHA]
    assert [(one, other) for _, one, other in told] == [(a, b) for _, a, b in expected]
    assert [at for at, _, _ in told] == pytest.approx([at for at, _, _ in expected])
