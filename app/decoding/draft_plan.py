"""Whether to draft, with what and how far: by what drafts cost and bring, measured while decoding.

Nothing here has an influence on the text; it decides only how soon it is there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from statistics import mean

_SAMPLES_KEPT = 8
_QUARTER = 4
"""A time is the lower quartile of those that are remembered: whatever else runs only adds to it."""
_MIN_SECONDS = 1e-9  # seconds; nothing takes no time, whatever a clock says
_STALE_AFTER = 256
_DECAY = 0.97
_PRIOR = 0.6
_PRIOR_WEIGHT = 2.0
_CONFIDENCE_BOUNDS = (0.3, 0.6, 0.85, 0.97)
_MATCH_LENGTH_BOUNDS = (2, 3, 4, 8)
_MIN_BACKOFF, _MAX_BACKOFF = 4, 512
_WEIGHT_DOUBLES_AFTER = 64
"""Drafts by others until one that was not asked counts twice: it may have been slow by chance."""
_OBSERVE_ALL = 16
_OBSERVE_EVERY = 8


class Timings:
    """Seconds that one thing takes with blocks of different sizes.

    A single token is a case of its own: it has other kernels. Blocks of several lie about on a
    line, which smooths what a busy machine does to one size. The first time of a size is not
    counted, since libraries prepare themselves in it, and a size that was not seen for long is
    forgotten, so that what was slow once is tried again.
    """

    def __init__(self) -> None:
        self._times: dict[int, deque[float]] = {}
        self._seen: dict[int, int] = {}
        self._count = 0
        self._single: float | None = None
        self._line: tuple[float, float] | None = None
        self._fastest = 0.0

    def add(self, size: int, seconds: float) -> None:
        self._count += 1
        if size in self._times:
            self._times[size].append(max(seconds, _MIN_SECONDS))
        else:
            self._times[size] = deque(maxlen=_SAMPLES_KEPT)
        self._seen[size] = self._count
        for old in [s for s, seen in self._seen.items() if self._count - seen > _STALE_AFTER]:
            self._times[old].clear()
        typical = {
            size: sorted(times)[len(times) // _QUARTER]
            for size, times in self._times.items()
            if times
        }
        self._single = typical.pop(1, None)
        self._line = _line(typical) if typical else None
        self._fastest = min(typical.values(), default=0.0)

    def at(self, size: int) -> float | None:
        """What a block takes, or None where nothing is known of its kind."""
        if size == 1 or self._line is None:
            return self._single if size == 1 else None
        start, slope = self._line
        return max(start + slope * size, self._fastest)


def _line(points: Mapping[int, float]) -> tuple[float, float]:
    """Height at 0 and slope of the line of least squares, which does not fall."""
    mean_size, mean_time = mean(points), mean(points.values())
    spread = sum((size - mean_size) ** 2 for size in points)
    common = sum((size - mean_size) * (time - mean_time) for size, time in points.items())
    slope = max(0.0, common / spread) if spread else 0.0
    return mean_time - slope * mean_size, slope


class _MovingRate:
    """How often something happens of late."""

    def __init__(self) -> None:
        self._hits = self._trials = 0.0

    def add(self, hit: bool) -> None:
        self._hits = self._hits * _DECAY + hit
        self._trials = self._trials * _DECAY + 1.0

    def rate(self, prior: float) -> float:
        return (self._hits + prior * _PRIOR_WEIGHT) / (self._trials + _PRIOR_WEIGHT)


class Acceptance:
    """How probable it is that a drafted token is the tuned one, where those before it are."""

    def __init__(self) -> None:
        self._all = _MovingRate()
        self._by_confidence = [_MovingRate() for _ in range(len(_CONFIDENCE_BOUNDS) + 1)]

    def add(self, agreed: bool, confidence: float | None = None) -> None:
        self._all.add(agreed)
        if confidence is not None:
            self._by_confidence[bisect_left(_CONFIDENCE_BOUNDS, confidence)].add(agreed)

    def rate(self, confidence: float | None = None) -> float:
        """Of all drafts of late, or of those of which their model was about as sure."""
        overall = self._all.rate(_PRIOR)
        if confidence is None:
            return overall
        return self._by_confidence[bisect_left(_CONFIDENCE_BOUNDS, confidence)].rate(overall)


@dataclass(frozen=True, slots=True)
class Plan:
    """A draft: by whom, how long at most, and what it is expected to yield.

    Attributes:
        drafter: The place of an evaluation; None for a prompt lookup, or where nothing is drafted.
        length: The most tokens to draft; 0 is plain decoding.
        rate: Tokens per second that are expected.
    """

    drafter: int | None
    length: int
    rate: float


class Planner:
    """Measures and chooses.

    Args:
        evaluations: How many there are; each of them can draft for the others.
        longest: The most tokens to draft at once.
    """

    def __init__(self, evaluations: int, longest: int) -> None:
        self._longest = longest
        self._share = 1 / evaluations
        self._observed = 0
        self._backoff = 0
        self._next_backoff = _MIN_BACKOFF
        self._blocks_since_use = [0] * evaluations
        self.whole = Timings()
        """All evaluations read a block."""
        self.steps = tuple(Timings() for _ in range(evaluations))
        """One evaluation reads a token and another is drafted."""
        self.others = tuple(Timings() for _ in range(evaluations))
        """All evaluations but one read a block."""
        self.drafts = tuple(Acceptance() for _ in range(evaluations))
        self._prompt_lookups = tuple(Acceptance() for _ in range(len(_MATCH_LENGTH_BOUNDS) + 1))

    def record_block(self, timings: Timings, size: int, seconds: float, share: float) -> None:
        """Learn what a block of several tokens took.

        Where it has cost more than it could be expected to bring, such as with a server that is
        slow at blocks, the next block of which nothing is known waits: for as many tokens as were
        lost, and at least for twice as many as the time before.

        Args:
            timings: Of its kind.
            size: How many tokens it had.
            seconds: What it took.
            share: How probable it was that a draft in it is accepted, where those before it are.
        """
        known, plain = timings.at(size) is not None, self.whole.at(1)
        timings.add(size, seconds)
        if known or plain is None:
            return
        lost = seconds / plain - sum(share**place for place in range(size))
        if lost > 0:
            self._backoff = min(max(self._next_backoff, ceil(lost)), _MAX_BACKOFF)
            self._next_backoff = 2 * self._backoff
        else:
            self._backoff, self._next_backoff = 0, _MIN_BACKOFF

    def prompt_lookup(self, match_length: int) -> Acceptance:
        """The acceptance of drafts that were looked up by so many tokens."""
        return self._prompt_lookups[bisect_left(_MATCH_LENGTH_BOUNDS, match_length)]

    def should_observe(self, index: int) -> bool:
        """Whether to learn from a token who would have drafted it: from some it is enough."""
        if self._share == 1 or (self._observed >= _OBSERVE_ALL and index % _OBSERVE_EVERY):
            return False
        self._observed += 1
        return True

    def plan(self, match_length: int, max_drafts: int) -> Plan:
        """What to draft next.

        Args:
            match_length: Tokens that the prompt lookup matched, 0 where there is no match.
            max_drafts: The most tokens that can be drafted.
        """
        plain = self.whole.at(1)
        if plain is None or max_drafts < 1:
            return Plan(None, 0, 0.0)
        plans = [Plan(None, 0, 1 / plain)]
        longest = min(self._longest, max_drafts)
        backing_off, self._backoff = self._backoff > 0, max(self._backoff - 1, 0)
        if match_length and not (backing_off and self.whole.at(longest + 1) is None):
            share = self.prompt_lookup(match_length).rate()
            plans.append(_best(None, longest, share, lambda n: self.whole.at(n + 1) or plain))
        if self._share < 1:
            for place, drafts in enumerate(self.drafts):
                if backing_off and self.others[place].at(longest + 1) is None:
                    continue
                share = drafts.rate()
                step, others = self._step(place, plain), self._others(place, plain)
                cost = _drafted_cost(share, step, others)
                plans.append(_best(place, longest, share, cost))
        best = max(plans, key=lambda plan: plan.rate * self._staleness_factor(plan.drafter))
        if best.drafter is not None:
            self._blocks_since_use = [blocks + 1 for blocks in self._blocks_since_use]
            self._blocks_since_use[best.drafter] = 0
        return best

    def should_extend(self, plan: Plan, drafted: int, reach: float) -> bool:
        """Whether another token is worth drafting.

        It is where the tokens it brings come faster by it than at the rate of the plan.

        Args:
            plan: The plan in hand, of an evaluation that drafts.
            drafted: How many tokens are drafted.
            reach: The probability that all of them are accepted.
        """
        place, plain = plan.drafter, self.whole.at(1)
        if drafted >= plan.length or place is None or plain is None:
            return False
        step, others = self._step(place, plain), self._others(place, plain)
        gain = reach * self.drafts[place].rate()
        # what was drafted in vain was read in vain, by the drafter and by the others
        cost = step * (1 + gain - reach) + others(drafted + 2) - others(drafted + 1)
        return gain > plan.rate * cost

    def _staleness_factor(self, place: int | None) -> float:
        """What the rate of a drafter counts for: the more, the older what is known of its times."""
        return 1.0 if place is None else 1 + self._blocks_since_use[place] / _WEIGHT_DOUBLES_AFTER

    def _step(self, place: int, plain: float) -> float:
        return self.steps[place].at(1) or plain * self._share

    def _others(self, place: int, plain: float) -> Callable[[int], float]:
        return lambda size: self.others[place].at(size) or plain * (1 - self._share)


def _drafted_cost(
    share: float, step: float, others: Callable[[int], float]
) -> Callable[[int], float]:
    """Seconds of a block: the drafter reads its last token only where all are accepted."""
    return lambda length: step * (length + share**length) + others(length + 1)


def _best(drafter: int | None, longest: int, share: float, cost: Callable[[int], float]) -> Plan:
    """The length that yields the most tokens per second; the first token needs no draft."""
    best = Plan(drafter, 0, 0.0)
    tokens = reach = 1.0
    for length in range(1, longest + 1):
        reach *= share
        tokens += reach
        rate = tokens / cost(length)
        if rate > best.rate:
            best = Plan(drafter, length, rate)
    return best
