"""What drafts would bring, against sums by hand and a simulation of drafting."""

from __future__ import annotations

import random

import pytest

from app.benchmark.block_costs import BlockCost, expected

BLOCKS = (BlockCost(1, (3.0, 1.0, 1.0)), BlockCost(5, (4.0, 2.0, 2.0)))


def test_certain_drafts_are_worth_the_longest_block() -> None:
    """Five tokens for 4 + 1 steps of the expert and 4 + 2 of the others; 5 each by itself."""
    (found,) = expected(BLOCKS, 1, (1.0,))
    assert (found.length, found.ratio) == (4, pytest.approx(5 / (5 + 6) * 5))


def test_drafts_that_are_never_right_do_not_pay() -> None:
    (found,) = expected(BLOCKS, 1, (0.0,))
    assert (found.length, found.ratio) == (0, 1.0)


@pytest.mark.parametrize("share", [0.6, 0.85])
def test_the_ratio_is_that_of_a_simulation(share: float) -> None:
    (found,) = expected(BLOCKS, 1, (share,))
    others = 4 + (found.length + 1 - 1) / 4 * 2  # 4 for one token, 6 for five
    chance = random.Random(1)
    tokens, seconds = 0, 0.0
    for _ in range(100_000):
        accepted = 0
        while accepted < found.length and chance.random() < share:
            accepted += 1
        tokens += 1 + accepted
        seconds += found.length + (accepted == found.length) + others
    assert tokens / seconds * 5 == pytest.approx(found.ratio, rel=0.01)


def test_without_the_cost_of_one_token_nothing_is_said() -> None:
    assert expected(BLOCKS[1:], 1) == expected(BLOCKS[:1], 1) == ()
