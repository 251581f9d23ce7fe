"""What blocks of several tokens cost each model, and what drafts would bring at such costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LIKELIHOODS = (0.5, 0.6, 0.7, 0.8, 0.857, 0.9)
"""Of a drafted token to be accepted; 0.857 was measured on a 1.5B base with a pair of 0.5B."""


@dataclass(frozen=True, slots=True)
class BlockCost:
    """Median seconds of one block of ``size`` tokens, for each evaluation by itself."""

    size: int
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """What drafts would bring by arithmetic.

    Attributes:
        accepted: How likely a drafted token is accepted where those before it are.
        length: The best number of tokens to draft; 0 where drafts do not pay.
        ratio: Tokens per second over those of decoding one by one.
    """

    accepted: float
    length: int
    ratio: float


def expected(
    blocks: Sequence[BlockCost], drafter: int, accepted: Sequence[float] = LIKELIHOODS
) -> tuple[Expected, ...]:
    """What drafts of one evaluation would bring, by what blocks cost.

    The drafter reads its tokens one by one, the last only where all are accepted; the others read
    the block. Sizes between those that were measured are interpolated.

    Args:
        blocks: Costs of one token, and of others.
        drafter: The place of the evaluation that drafts.
        accepted: For each of these likelihoods.
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
