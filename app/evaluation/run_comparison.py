"""What two runs made of the tokens that they share, such as those of a model and its quantization.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from app.attribution.explained_token import ExplainedToken
from app.attribution.measures import BIT
from app.attribution.row_statistics import Floats
from app.evaluation.paired_interval import Interval, paired_difference

BLOCK = 16
"""Tokens that count as one observation of the interval, since neighbours depend on each other."""
MOST_ALIGNED = 400
"""Tokens of each run that are aligned after they part, which takes time by their square."""


@dataclass(frozen=True, slots=True, eq=False)
class SharedTokens:
    """The differences at the tokens with which two runs begin, the second less the first.

    Attributes:
        bits: log₂ p_tuned of each token under the second run less that under the first, [T].
        changed: Indices of the tokens at which the most probable tokens of the runs differ.
        interval: The mean of ``bits`` with its 95% confidence interval; None if none of them is a
            finite number.
    """

    bits: Floats
    changed: frozenset[int]
    interval: Interval | None


def compare_shared(
    first: Sequence[ExplainedToken], second: Sequence[ExplainedToken], common: int
) -> SharedTokens | None:
    """Compare the first ``common`` tokens, which both runs have; None if nothing differs."""
    pairs = list(zip(first[:common], second[:common], strict=True))
    if all(one.attribution is other.attribution for one, other in pairs):
        return None  # a branch has the tokens of its parent
    before = np.array([one.attribution.logprob_tuned for one, _ in pairs]) / BIT
    after = np.array([other.attribution.logprob_tuned for _, other in pairs]) / BIT
    with np.errstate(invalid="ignore"):
        bits = np.where(before == after, 0.0, after - before)
    changed = frozenset(
        place
        for place, (one, other) in enumerate(pairs)
        if one.attribution.argmax_tuned != other.attribution.argmax_tuned
    )
    if not changed and not np.any(bits):
        return None
    return SharedTokens(bits, changed, mean_with_interval(bits))


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


def aligned_again(
    first: Sequence[ExplainedToken], second: Sequence[ExplainedToken], common: int
) -> tuple[int, int]:
    """Tokens of the second run after the shared ones that the first has in the same order.

    Returns:
        Their number, and the number of tokens that were looked at, at most ``MOST_ALIGNED``.
    """
    one, other = (
        [token.token_id for token in run[common : common + MOST_ALIGNED]] for run in (first, second)
    )
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks()), len(other)
