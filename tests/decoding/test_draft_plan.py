"""The choice of drafts against the arithmetic of an oracle that knows costs and acceptance."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.decoding.draft_plan import Acceptance, Plan, Planner, Timings


def rate(length: int, share: float, step: float, others: Callable[[int], float]) -> float:
    """Tokens per second of drafts of one length, by simulating all that can happen."""
    chances = [share**n * (1 - share) for n in range(length)] + [share**length]
    tokens = sum(chance * (1 + n) for n, chance in enumerate(chances))
    last = chances[-1] * step  # the drafter reads its last draft
    return tokens / (length * step + others(length + 1) + last)


def taught(share: float, step: float, others: Callable[[int], float], plain: float) -> Planner:
    """A planner that has seen all sizes often."""
    planner = Planner(contexts=3, longest=12)
    for _ in range(3):
        planner.ensemble_times.add(1, plain)
        for size in range(2, 14):
            planner.ensemble_times.add(size, plain * size)
        for place in range(3):
            planner.draft_times[place].add(1, step if place == 1 else plain)
            for size in range(2, 14):
                planner.verify_times[place].add(size, others(size))
    chance = random.Random(1)
    for _ in range(3000):
        planner.acceptance[1].add(chance.random() < share)
    return planner


@pytest.mark.parametrize("share", [0.2, 0.6, 0.85, 0.95])
@pytest.mark.parametrize(("step", "slope"), [(0.02, 0.0), (0.1, 0.01), (0.3, 0.05), (0.9, 0.4)])
def test_the_plan_is_nearly_the_best(share: float, step: float, slope: float) -> None:
    def others(size: int) -> float:
        return 0.7 + slope * size

    planner = taught(share, step, others, plain=0.75 + step)
    plan = planner.plan(0, max_drafts=50)
    rates = {n: rate(n, share, step, others) for n in range(1, 13)}
    rates[0] = 1 / (0.75 + step)
    assert plan.drafter == (1 if plan.length else None)
    assert rates[plan.length] > 0.9 * max(rates.values())  # acceptance is an estimate


def test_room_bounds_the_draft() -> None:
    planner = taught(0.95, 0.02, lambda size: 0.7, plain=0.8)
    assert planner.plan(0, max_drafts=50).length > 5
    assert planner.plan(0, max_drafts=2).length == 2
    assert planner.plan(0, max_drafts=0) == Plan(None, 0, 0.0)


def test_the_first_tokens_are_plain_until_their_cost_is_known() -> None:
    planner = Planner(contexts=3, longest=8)
    planner.ensemble_times.add(1, 9.0)  # what libraries prepare is in it
    assert planner.plan(4, max_drafts=9).length == 0
    planner.ensemble_times.add(1, 1.0)
    assert planner.plan(4, max_drafts=9).length > 0  # what is unknown is tried


def test_a_draft_goes_on_while_its_model_is_sure() -> None:
    planner = taught(0.8, 0.1, lambda size: 0.6 + 0.01 * size, plain=0.8)
    plan = planner.plan(0, max_drafts=50)
    lengths = []
    for confidence_pays in (0.99, 0.7, 0.3):
        drafted, reach = 1, confidence_pays
        while planner.should_extend(plan, drafted, reach):
            drafted, reach = drafted + 1, reach * confidence_pays
        lengths.append(drafted)
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] == plan.length
    assert lengths[-1] == 1


def test_a_drafter_that_was_slow_once_is_asked_again() -> None:
    planner = taught(0.85, 0.1, lambda size: 0.7, plain=0.8)
    planner.verify_times = (planner.verify_times[0], Timings(), planner.verify_times[2])
    for _ in range(3000):
        planner.acceptance[2].add(False)
    chance = random.Random(2)
    for _ in range(3000):
        planner.acceptance[0].add(chance.random() < 0.3)  # worse than 1, and better than nothing
    for _ in range(8):
        planner.draft_times[0].add(1, 0.1)
        for size in range(2, 14):
            planner.verify_times[0].add(size, 0.5)
    for size in (3, 3, 5, 5, 6, 6):  # the first of each does not count
        planner.verify_times[1].add(size, 2.0)  # a busy moment
    asked = []
    for _ in range(400):
        plan = planner.plan(0, max_drafts=50)
        assert plan.drafter is not None
        asked.append(plan.drafter)
        planner.draft_times[plan.drafter].add(1, 0.1)
        size = 1 + chance.randint(1, plan.length)  # it may end where its model is not sure
        planner.verify_times[plan.drafter].add(size, 0.7 if plan.drafter else 0.5)
    assert asked[0] == 0
    assert asked[-100:].count(1) > 95
    assert asked[-100:].count(0) <= 4  # what is worse is asked now and then


def test_a_disturbance_of_many_drafts_changes_neither_drafter_nor_length() -> None:
    planner = taught(0.85, 0.1, lambda size: 0.7 + 0.01 * size, plain=0.8)
    for _ in range(64):
        planner.draft_times[1].add(1, 0.1)
    before = planner.plan(0, max_drafts=50)
    assert before.drafter == 1
    for _ in range(40):  # such as a window that draws beside decoding
        planner.draft_times[1].add(1, 0.4)
    during = planner.plan(0, max_drafts=50)
    assert (during.drafter, during.length) == (before.drafter, before.length)


def test_a_lasting_change_of_a_drafters_speed_is_followed() -> None:
    planner = taught(0.85, 0.1, lambda size: 0.7 + 0.01 * size, plain=0.8)
    for _ in range(64):
        planner.draft_times[1].add(1, 0.1)
    for _ in range(64):
        planner.draft_times[1].add(1, 3.0)
    assert planner.draft_times[1].estimate(1) == 3.0
    assert planner.plan(0, max_drafts=50).drafter != 1
    for _ in range(20):
        planner.draft_times[1].add(1, 0.1)
    assert planner.plan(0, max_drafts=50).drafter == 1


def test_after_a_loss_what_is_unknown_waits_and_twice_as_long_after_the_next() -> None:
    planner = Planner(contexts=3, longest=8)
    for _ in range(2):
        planner.ensemble_times.add(1, 1.0)
    waits = []
    for size in (5, 6, 7):  # of each size the first time is not counted, so nothing gets known
        planner.record_block(planner.verify_times[1], size, 4.0, 0.6)
        waits.append(0)
        while planner.plan(3, max_drafts=9).length == 0:
            waits[-1] += 1
    assert waits == [4, 8, 16]
    planner.record_block(planner.verify_times[1], 8, 1.1, 0.6)  # no loss
    assert planner.plan(3, max_drafts=9).length > 0
    planner.record_block(planner.verify_times[1], 4, 22.0, 0.5)  # 1.875 tokens are expected of it
    assert [planner.plan(0, max_drafts=9).length > 0 for _ in range(22)] == [False] * 21 + [True]


def test_a_clock_that_stands_still_stops_nothing() -> None:
    planner = Planner(contexts=3, longest=8)
    for _ in range(2):
        planner.ensemble_times.add(1, 0.0)
        planner.draft_times[1].add(1, 0.0)
        planner.verify_times[1].add(2, 0.0)
    assert planner.plan(3, max_drafts=9).rate > 0


def test_a_single_evaluation_is_never_its_own_draft() -> None:
    planner = Planner(contexts=1, longest=8)
    for _ in range(2):
        planner.ensemble_times.add(1, 1.0)
    assert planner.plan(0, max_drafts=9).length == 0
    assert planner.plan(9, max_drafts=9).length > 0
    assert not any(planner.should_observe(index) for index in range(20))


def test_acceptance_follows_what_happens_of_late_and_how_sure_the_drafter_was() -> None:
    acceptance = Acceptance()
    for _ in range(200):
        acceptance.add(True, 0.99)
        acceptance.add(False, 0.1)
    assert acceptance.rate(0.99) > 0.9
    assert acceptance.rate(0.1) < 0.1
    assert acceptance.rate() == pytest.approx(0.5, abs=0.05)
    for _ in range(200):
        acceptance.add(True, 0.1)
    assert acceptance.rate(0.1) > 0.9


def test_timings_are_lower_quartiles_that_forget_and_ignore_the_first() -> None:
    timings = Timings()
    timings.add(4, 50.0)
    assert timings.estimate(4) is None
    for seconds in (40.0, 1.1, 1.0, 30.0, 20.0):  # more than half of them were disturbed
        timings.add(4, seconds)
    assert timings.estimate(4) == timings.estimate(9) == 1.1
    assert timings.estimate(1) is None  # one token is no small block
    timings.add(1, 9.0)
    timings.add(1, 0.4)
    assert timings.estimate(1) == 0.4
    for seconds in (0.0, 3.1, 3.1):
        timings.add(8, seconds)
    assert timings.estimate(6) == pytest.approx(2.1)
    assert timings.estimate(10) == pytest.approx(4.1)
    for _ in range(300):
        timings.add(8, 3.1)
    assert timings.estimate(4) == 3.1
    assert timings.estimate(1) is None


@pytest.mark.slow
@given(st.dictionaries(st.integers(2, 20), st.floats(0.1, 9), min_size=2))
def test_blocks_lie_on_the_line_of_least_squares_that_does_not_fall(
    known: dict[int, float],
) -> None:
    timings = Timings()
    for size, seconds in known.items():
        timings.add(size, seconds)
        timings.add(size, seconds)
    slope, start = np.polyfit(list(known), list(known.values()), 1)
    if slope < 0:
        slope, start = 0.0, np.mean(list(known.values()))
    for size in (2, 7, 25):
        expected = max(start + slope * size, min(known.values()))
        assert timings.estimate(size) == pytest.approx(expected, abs=1e-6)
