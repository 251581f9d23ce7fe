"""What two runs made of the tokens that both have, such as those of a model and its quantization.

Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from app.attribution.explained_token import ExplainedToken
from app.attribution.measures import BIT
from app.attribution.row_statistics import Floats
from app.attribution.sequence_alignment import Block, align
from app.evaluation.paired_interval import Interval, paired_difference

BLOCK = 16
"""Tokens that count as one observation of the interval, since neighbours depend on each other."""
SHORTEST_STRETCH = 2
"""Tokens that runs must have in a row to count as aligned again: single ones are coincidences."""


@dataclass(frozen=True, slots=True, eq=False)
class SharedTokens:
    """The differences at tokens that two runs have, the second run less the first.

    Attributes:
        bits: log₂ p_tuned of each token under the second run less that under the first, [T]; NaN
            at a token that the first run does not have.
        changed: Indices in the second run of the tokens whose most probable tokens differ.
        interval: The mean of ``bits`` with its 95% confidence interval; None if none of them is a
            finite number.
    """

    bits: Floats
    changed: frozenset[int]
    interval: Interval | None

    @property
    def mean_absolute(self) -> float:
        """The mean of the absolute differences in bits; NaN where none is finite."""
        known = self.bits[np.isfinite(self.bits)]
        return float(np.abs(known).mean()) if len(known) else math.nan


@dataclass(frozen=True, slots=True, eq=False)
class RunDifference:
    """What two runs made of all tokens that both have, before and after they part.

    Attributes:
        shared: The tokens with which both begin; None if nothing differs there.
        aligned: The tokens of the second run after these, most of which the first may not have;
            None if the first has none of them.
        stretches: Where the runs are aligned again, with indices of whole runs.
    """

    shared: SharedTokens | None
    aligned: SharedTokens | None
    stretches: tuple[Block, ...]

    @property
    def covered(self) -> int:
        """The number of tokens that are aligned again."""
        return sum(block.size for block in self.stretches)

    @property
    def changed(self) -> list[int]:
        """Indices in the second run of all tokens whose most probable tokens differ, in order."""
        found = (part.changed for part in (self.shared, self.aligned) if part)
        return sorted(frozenset[int]().union(*found))

    def match_of(self, index: int, *, in_second: bool) -> int | None:
        """The index in the other run of a token after the parting; None if it has none there."""
        for block in self.stretches:
            start, other = block.second, block.first
            if not in_second:
                start, other = other, start
            if start <= index < start + block.size:
                return index - start + other
        return None

    def tints(self, common: int) -> SharedTokens | None:
        """The differences at all tokens of the second run, ``common`` of which are shared."""
        if self.aligned is None:
            return self.shared
        before = np.zeros(common) if self.shared is None else self.shared.bits
        changed = self.shared.changed if self.shared else frozenset()
        bits = np.concatenate([before, self.aligned.bits])
        return SharedTokens(bits, changed | self.aligned.changed, None)


def compare_runs(
    first: Sequence[ExplainedToken], second: Sequence[ExplainedToken], common: int
) -> RunDifference:
    """Compare two runs whose first ``common`` tokens are the same."""
    one, other = ([token.token_id for token in run[common:]] for run in (first, second))
    stretches = tuple(
        Block(block.first + common, block.second + common, block.size)
        for block in align(one, other)
        if block.size >= SHORTEST_STRETCH
    )
    places = [
        (block.first + at, block.second + at) for block in stretches for at in range(block.size)
    ]
    aligned = None
    if places:
        pairs = [(first[mine], second[theirs]) for mine, theirs in places]
        bits = np.full(len(second) - common, np.nan)
        bits[[theirs - common for _, theirs in places]] = _differences(pairs)
        aligned = SharedTokens(bits, _changed(pairs), mean_with_interval(bits))
    return RunDifference(compare_shared(first, second, common), aligned, stretches)


def compare_shared(
    first: Sequence[ExplainedToken], second: Sequence[ExplainedToken], common: int
) -> SharedTokens | None:
    """Compare the first ``common`` tokens, which both runs have; None if nothing differs."""
    pairs = list(zip(first[:common], second[:common], strict=True))
    if all(one.attribution is other.attribution for one, other in pairs):
        return None  # a branch has the tokens of its parent
    bits, changed = _differences(pairs), _changed(pairs)
    if not changed and not np.any(bits):
        return None
    return SharedTokens(bits, changed, mean_with_interval(bits))


def first_other_token(
    ids: Iterable[int], label: Callable[[int], str], other: Callable[[int], str | None]
) -> int | None:
    """The first of some token ids that is another token, or none, in another vocabulary.

    Args:
        ids: The ids.
        label: The text of an id in the vocabulary that they are from.
        other: The text of an id in the other one; None if it has no such id.
    """
    return next((id_ for id_ in dict.fromkeys(ids) if other(id_) != label(id_)), None)


def _differences(pairs: Sequence[tuple[ExplainedToken, ExplainedToken]]) -> Floats:
    """log₂ p_tuned of each second token less that of the first."""
    before = np.array([one.attribution.logprob_tuned for one, _ in pairs]) / BIT
    after = np.array([other.attribution.logprob_tuned for _, other in pairs]) / BIT
    with np.errstate(invalid="ignore"):
        found: Floats = np.where(before == after, 0.0, after - before)
    return found


def _changed(pairs: Sequence[tuple[ExplainedToken, ExplainedToken]]) -> frozenset[int]:
    """Indices of the second tokens whose most probable tokens differ."""
    return frozenset(
        other.index
        for one, other in pairs
        if one.attribution.argmax_tuned != other.attribution.argmax_tuned
    )


def mean_with_interval(bits: Floats) -> Interval | None:
    """The mean over tokens with its interval over blocks; None if no token has a finite number.

    Tokens without a finite number do not count.
    """
    known = bits[np.isfinite(bits)]
    if not len(known):
        return None
    blocks = [known[start : start + BLOCK] for start in range(0, len(known), BLOCK)]
    sums = [float(block.sum()) for block in blocks]
    return paired_difference(sums, [0.0] * len(sums), [float(len(block)) for block in blocks])
