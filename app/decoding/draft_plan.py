"""Chooses the drafter and the draft length with the highest expected token rate.

Times and acceptance rates are measured while decoding. The choice affects only the speed of
decoding, never the generated text.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from statistics import mean

_SAMPLES_KEPT = 64
"""Per size. Far more than one disturbance can lengthen: three drafts of a block are timed in 6 ms,
and a window that draws beside decoding may take 50 ms."""
_QUARTER = 4
"""Times are summarised by their lower quartile, since other programs can only lengthen them."""
_MIN_SECONDS = 1e-9  # for clocks that measure 0, since rates divide by times
_STALE_AFTER = 256
"""Measurements of a block size are dropped after this many measurements without that size."""
_DECAY = 0.97
"""Factor by which each observation reduces the weight of the earlier ones."""
_PRIOR = 0.6
"""Acceptance rate that is assumed before anything is observed."""
_PRIOR_WEIGHT = 2.0
"""Number of observations that the assumed rate counts as."""
_CONFIDENCE_BOUNDS = (0.3, 0.6, 0.85, 0.97)
"""Upper bounds of the confidence classes, each with an acceptance rate of its own."""
_MATCH_LENGTH_BOUNDS = (2, 3, 4, 8)
"""Upper bounds of the classes of prompt-lookup matches, by their length in tokens."""
_MIN_BACKOFF, _MAX_BACKOFF = 4, 512
"""Bounds of the number of tokens for which untried kinds of blocks are avoided after a loss."""
_WEIGHT_DOUBLES_AFTER = 64
"""A drafter's expected rate is doubled after this many drafts by others, so that it is tried again:
its measured times may be those of a moment when the machine was busy."""
_OBSERVE_ALL = 16
_OBSERVE_EVERY = 8
"""The first 16 tokens, and then every eighth, update the acceptance rates of all models."""


class Timings:
    """Estimates the seconds that one operation takes, by block size in tokens.

    A single token is estimated by itself, since it uses other kernels. Larger blocks are estimated
    by a least-squares line over their sizes, which smooths the noise of a busy machine. The first
    measurement of a size is discarded as warm-up. Sizes that have not been measured for a long time
    are dropped, so that a size that was slow once is tried again.
    """

    def __init__(self) -> None:
        self._times: dict[int, deque[float]] = {}
        self._typical: dict[int, float] = {}
        self._seen: dict[int, int] = {}
        self._count = 0
        self._single: float | None = None
        self._line: tuple[float, float] | None = None
        self._fastest = 0.0

    def add(self, size: int, seconds: float) -> None:
        """Record that a block of ``size`` tokens took ``seconds``."""
        self._count += 1
        if size in self._times:
            times = self._times[size]
            times.append(max(seconds, _MIN_SECONDS))
            self._typical[size] = sorted(times)[len(times) // _QUARTER]
        else:
            self._times[size] = deque(maxlen=_SAMPLES_KEPT)
        self._seen[size] = self._count
        for old in [s for s, seen in self._seen.items() if self._count - seen > _STALE_AFTER]:
            self._times[old].clear()
            self._typical.pop(old, None)
        typical = self._typical.copy()
        self._single = typical.pop(1, None)
        self._line = _line(typical) if typical else None
        self._fastest = min(typical.values(), default=0.0)

    def estimate(self, size: int) -> float | None:
        """Estimated seconds of a block of ``size`` tokens, or None before any measurement."""
        if size == 1 or self._line is None:
            return self._single if size == 1 else None
        start, slope = self._line
        return max(start + slope * size, self._fastest)


def _line(points: Mapping[int, float]) -> tuple[float, float]:
    """Intercept and slope of the least-squares line; a negative slope is replaced by 0."""
    mean_size, mean_time = mean(points), mean(points.values())
    spread = sum((size - mean_size) ** 2 for size in points)
    common = sum((size - mean_size) * (time - mean_time) for size, time in points.items())
    slope = max(0.0, common / spread) if spread else 0.0
    return mean_time - slope * mean_size, slope


class _MovingRate:
    """An exponentially decaying average of a yes/no observation."""

    def __init__(self) -> None:
        self._hits = self._trials = 0.0

    def add(self, hit: bool) -> None:
        self._hits = self._hits * _DECAY + hit
        self._trials = self._trials * _DECAY + 1.0

    def rate(self, prior: float) -> float:
        """The average, pulled towards ``prior`` as long as there are few observations."""
        return (self._hits + prior * _PRIOR_WEIGHT) / (self._trials + _PRIOR_WEIGHT)


class Acceptance:
    """Estimates the acceptance rate of a drafter.

    The acceptance rate is the probability that a drafted token equals the token sampled from the
    tuned distribution, given that all drafted tokens before it did.
    """

    def __init__(self) -> None:
        self._all = _MovingRate()
        self._by_confidence = [_MovingRate() for _ in range(len(_CONFIDENCE_BOUNDS) + 1)]

    def add(self, agreed: bool, confidence: float | None = None) -> None:
        self._all.add(agreed)
        if confidence is not None:
            self._by_confidence[bisect_left(_CONFIDENCE_BOUNDS, confidence)].add(agreed)

    def rate(self, confidence: float | None = None) -> float:
        """The recent acceptance rate: of all drafts, or of those with similar confidence."""
        overall = self._all.rate(_PRIOR)
        if confidence is None:
            return overall
        return self._by_confidence[bisect_left(_CONFIDENCE_BOUNDS, confidence)].rate(overall)


@dataclass(frozen=True, slots=True)
class Plan:
    """The choice for the next block.

    Attributes:
        drafter: Index of the model context that drafts; None for prompt lookup and for no draft.
        length: Maximum number of drafted tokens; 0 is plain decoding.
        rate: Expected tokens per second.
    """

    drafter: int | None
    length: int
    rate: float


class Planner:
    """Chooses drafts for one ensemble from measured times and acceptance rates.

    Args:
        contexts: Number of model contexts; each of them can draft for the others.
        longest: Maximum number of tokens to draft at once.

    Attributes:
        ensemble_times: Of blocks that all model contexts read together.
        draft_times: By drafter, of one drafted token: one forward pass and sampling.
        verify_times: By drafter, of blocks that all other model contexts read.
        acceptance: By drafter.
    """

    def __init__(self, contexts: int, longest: int) -> None:
        self._longest = longest
        self._context_share = 1 / contexts
        self._observed = 0
        self._backoff = 0
        self._next_backoff = _MIN_BACKOFF
        self._blocks_since_use = [0] * contexts
        self.ensemble_times = Timings()
        self.draft_times = tuple(Timings() for _ in range(contexts))
        self.verify_times = tuple(Timings() for _ in range(contexts))
        self.acceptance = tuple(Acceptance() for _ in range(contexts))
        self._prompt_lookups = tuple(Acceptance() for _ in range(len(_MATCH_LENGTH_BOUNDS) + 1))

    def record_block(self, timings: Timings, size: int, seconds: float, rate: float) -> None:
        """Record the time of a block, and back off from untried kinds of blocks after a loss.

        A block of a kind that had not been measured before is a loss if plain decoding would have
        been faster in expectation, as with a server that is slow at blocks. Untried kinds are then
        avoided for as many tokens as plain decoding would have made in the time lost, and for at
        least twice as many tokens as after the loss before.

        Args:
            timings: The measurements of this kind of block; they are updated.
            size: Tokens in the block.
            seconds: Measured time.
            rate: Acceptance rate of the block's drafts.
        """
        known, plain = timings.estimate(size) is not None, self.ensemble_times.estimate(1)
        timings.add(size, seconds)
        if known or plain is None:
            return
        lost = seconds / plain - sum(rate**accepted for accepted in range(size))
        if lost > 0:
            self._backoff = min(max(self._next_backoff, ceil(lost)), _MAX_BACKOFF)
            self._next_backoff = 2 * self._backoff
        else:
            self._backoff, self._next_backoff = 0, _MIN_BACKOFF

    def prompt_lookup(self, match_length: int) -> Acceptance:
        """The acceptance of prompt-lookup drafts whose match had this length in tokens."""
        return self._prompt_lookups[bisect_left(_MATCH_LENGTH_BOUNDS, match_length)]

    def should_observe(self, index: int) -> bool:
        """Whether to compare token ``index`` with what every model would have drafted.

        A sample of the tokens is enough. With a single model there is nothing to compare.
        """
        if self._context_share == 1 or (self._observed >= _OBSERVE_ALL and index % _OBSERVE_EVERY):
            return False
        self._observed += 1
        return True

    def plan(self, match_length: int, max_drafts: int) -> Plan:
        """Choose the next draft: the alternative with the highest expected token rate.

        Args:
            match_length: Tokens that prompt lookup matched, 0 if it found no match.
            max_drafts: Number of tokens that the run and the contexts of the models still allow.
        """
        plain = self.ensemble_times.estimate(1)
        if plain is None or max_drafts < 1:
            return Plan(None, 0, 0.0)
        plans = [Plan(None, 0, 1 / plain)]
        longest = min(self._longest, max_drafts)
        backing_off, self._backoff = self._backoff > 0, max(self._backoff - 1, 0)
        if match_length and not (backing_off and self.ensemble_times.estimate(longest + 1) is None):
            rate = self.prompt_lookup(match_length).rate()
            plans.append(
                _best(None, longest, rate, lambda n: self.ensemble_times.estimate(n + 1) or plain)
            )
        if self._context_share < 1:
            for drafter, drafts in enumerate(self.acceptance):
                if backing_off and self.verify_times[drafter].estimate(longest + 1) is None:
                    continue
                rate = drafts.rate()
                step = self._draft_seconds(drafter, plain)
                verify = self._verify_seconds(drafter, plain)
                cost = _drafted_cost(rate, step, verify)
                plans.append(_best(drafter, longest, rate, cost))
        best = max(plans, key=lambda plan: plan.rate * self._staleness_factor(plan.drafter))
        if best.drafter is not None:
            self._blocks_since_use = [blocks + 1 for blocks in self._blocks_since_use]
            self._blocks_since_use[best.drafter] = 0
        return best

    def should_extend(self, plan: Plan, drafted: int, reach: float) -> bool:
        """Whether to draft one more token.

        One more token is drafted if its expected gain in tokens, divided by its cost in seconds,
        exceeds the token rate of the plan.

        Args:
            plan: The plan being carried out; its drafter is a model context.
            drafted: Number of tokens drafted so far.
            reach: Probability that all of them are accepted.
        """
        drafter, plain = plan.drafter, self.ensemble_times.estimate(1)
        if drafted >= plan.length or drafter is None or plain is None:
            return False
        step, verify = self._draft_seconds(drafter, plain), self._verify_seconds(drafter, plain)
        gain = reach * self.acceptance[drafter].rate()
        # The drafter reads its last token only if it is accepted; the others read it in any case.
        cost = step * (1 + gain - reach) + verify(drafted + 2) - verify(drafted + 1)
        return gain > plan.rate * cost

    def _staleness_factor(self, drafter: int | None) -> float:
        """Factor on a drafter's expected rate that grows with the age of its measurements."""
        if drafter is None:
            return 1.0
        return 1 + self._blocks_since_use[drafter] / _WEIGHT_DOUBLES_AFTER

    def _draft_seconds(self, drafter: int, plain: float) -> float:
        return self.draft_times[drafter].estimate(1) or plain * self._context_share

    def _verify_seconds(self, drafter: int, plain: float) -> Callable[[int], float]:
        return lambda size: (
            self.verify_times[drafter].estimate(size) or plain * (1 - self._context_share)
        )


def _drafted_cost(
    rate: float, step: float, verify: Callable[[int], float]
) -> Callable[[int], float]:
    """Expected seconds of a block by draft length.

    The drafter reads its last drafted token only if all drafts are accepted.

    Args:
        rate: Acceptance rate.
        step: Seconds of one drafted token.
        verify: Seconds in which the other models read a block, by its size.
    """
    return lambda length: step * (length + rate**length) + verify(length + 1)


def _best(
    drafter: int | None, longest: int, acceptance_rate: float, cost: Callable[[int], float]
) -> Plan:
    """The draft length with the highest expected token rate.

    A block yields one token more than the drafts that are accepted.
    """
    best = Plan(drafter, 0, 0.0)
    tokens = reach = 1.0
    for length in range(1, longest + 1):
        reach *= acceptance_rate
        tokens += reach
        rate = tokens / cost(length)
        if rate > best.rate:
            best = Plan(drafter, length, rate)
    return best
