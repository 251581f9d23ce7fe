"""Measured times of token blocks for each model, and the speedup that drafts would have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LIKELIHOODS = (0.5, 0.6, 0.7, 0.8, 0.857, 0.9)
"""Acceptance rates to evaluate; 0.857 was measured on a 1.5B base with a pair of 0.5B models."""


@dataclass(frozen=True, slots=True)
class BlockCost:
    """Median seconds of one block of ``size`` tokens, for each model context alone."""

    size: int
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected speedup by drafting, computed from measured block times.

    Attributes:
        accepted: Acceptance rate.
        length: The best draft length; 0 if drafting does not pay.
        ratio: Tokens per second relative to plain decoding.
    """

    accepted: float
    length: int
    ratio: float


def expected(
    blocks: Sequence[BlockCost], drafter: int, accepted: Sequence[float] = LIKELIHOODS
) -> tuple[Expected, ...]:
    """The expected speedup by drafts of one model context.

    The drafter reads its tokens one by one, and its last drafted token only if all are accepted;
    the other contexts read the block. Times of other sizes are interpolated.

    Args:
        blocks: Times of a single token and of other block sizes.
        drafter: Index of the model context that drafts.
        accepted: The acceptance rates to evaluate.
    """
    sizes = sorted(block.size for block in blocks)
    if sizes[:1] != [1] or len(sizes) < 2:
        return ()
    return tuple(_best(blocks, drafter, share, sizes[-1] - 1) for share in accepted)


def _best(blocks: Sequence[BlockCost], drafter: int, share: float, longest: int) -> Expected:
    single = _at(blocks, 1)
    plain, step = sum(single), single[drafter]
    best = Expected(share, 0, 1.0)
    for length in range(1, longest + 1):
        tokens = sum(share**place for place in range(length + 1))
        block = _at(blocks, length + 1)
        cost = step * (length + share**length) + sum(block) - block[drafter]
        if tokens / cost * plain > best.ratio:
            best = Expected(share, length, tokens / cost * plain)
    return best


def _at(blocks: Sequence[BlockCost], size: int) -> list[float]:
    above = min((block for block in blocks if block.size >= size), key=lambda block: block.size)
    below = max((block for block in blocks if block.size <= size), key=lambda block: block.size)
    share = (size - below.size) / ((above.size - below.size) or 1)
    pairs = zip(below.seconds, above.seconds, strict=True)
    return [low + share * (high - low) for low, high in pairs]
