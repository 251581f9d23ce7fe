"""The largest scale within a limit of divergence, against a search over all scales."""

from __future__ import annotations

import numpy as np
import pytest

from app.decoding.alpha_policy import parse_policy
from app.decoding.alpha_schedule import AlphaSchedule
from app.decoding.detokenizer import Detokenizer
from app.decoding.kl_limit import largest_scale
from app.decoding.thinking import UNKNOWN_THINKING
from app.decoding.types import RoleLogits
from tests import tiny


def divergence(base: np.ndarray, difference: np.ndarray, scale: float) -> float:
    """KL(softmax(base + scale · difference) ‖ softmax(base)), from the definition."""
    usable = np.isfinite(base)
    one, other = (
        row - np.logaddexp.reduce(row)
        for row in (
            (base + scale * difference)[usable].astype(np.float64),
            base[usable].astype(np.float64),
        )
    )
    return float(np.exp(one) @ (one - other))


def example(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    base = random.normal(0, random.uniform(0.5, 8), 300)
    difference = random.normal(random.normal(), random.uniform(0.01, 6), 300)
    base[:5], difference[:5] = -np.inf, 0.0
    return base, difference


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("limit", [1e-4, 0.05, 1.0])
def test_the_scale_is_the_largest_within_the_limit(seed: int, limit: float) -> None:
    base, difference = example(seed)
    found = largest_scale(base, difference, limit)
    grid = np.linspace(0, 1, 501)
    values = [divergence(base, difference, scale) for scale in grid]
    assert np.all(np.diff(values) >= -1e-12)  # it grows with the scale
    brute = grid[np.flatnonzero(np.array(values) <= limit)[-1]]
    assert brute <= found + 1e-6 <= brute + 1 / 500 + 2e-6
    assert divergence(base, difference, found) <= limit * (1 + 1e-9)
    if found < 1:
        assert divergence(base, difference, found + 2e-7) > limit


def test_pairs_that_agree_need_no_limit() -> None:
    base, difference = example(1)
    assert largest_scale(base, np.zeros_like(difference), 1e-9) == 1.0
    assert largest_scale(base, np.full_like(difference, 3.0), 1e-9) == 1.0


def test_a_limit_of_zero_is_the_base() -> None:
    base, difference = example(2)
    assert largest_scale(base, difference, 0.0) == pytest.approx(0.0, abs=1e-6)


def test_differences_of_any_size_are_limited() -> None:
    base, difference = example(4)
    for factor in (1e4, 1e6):
        found = largest_scale(base, factor * difference, 0.1)
        assert divergence(base, factor * difference, found) <= 0.1 * (1 + 1e-6)


def test_the_policy_limits_all_pairs_together_in_bits() -> None:
    random = np.random.default_rng(8)
    base, *others = (random.normal(0, 3, 200).astype(np.float32) for _ in range(5))
    logits = RoleLogits(base, tuple(others[:2]), tuple(others[2:]))
    alphas = (1.5, -0.5)
    schedule = AlphaSchedule(
        parse_policy("kl:0.3"), UNKNOWN_THINKING, Detokenizer(tiny.make_tokenizer())
    )
    used = schedule.scaled(alphas, 0, lambda: logits)
    assert used[0] / alphas[0] == pytest.approx(used[1] / alphas[1])
    moved = sum(
        alpha * (expert.astype(np.float64) - antiexpert)
        for alpha, expert, antiexpert in zip(used, others[:2], others[2:], strict=True)
    )
    assert divergence(base, moved, 1.0) / np.log(2) == pytest.approx(0.3, rel=1e-5)
