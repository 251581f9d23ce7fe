"""The text that a model reads for its proof."""

from __future__ import annotations

from collections.abc import Collection
from random import Random

TOKENS = 32
"""Longer than the blocks that take another kernel: 4 in attention, 17 captured, 24 packed."""
FEWEST = 12
"""A model with a shorter context is not proved."""


def proof_ids(tokens: int, avoided: Collection[int], length: int = TOKENS) -> tuple[int, ...]:
    """The same ids for the same vocabulary: half of them at random, and then these once more.

    What comes the second time depends on what was read the first time, so a row tells whether the
    cache holds the right tokens at the right positions.

    Args:
        tokens: How many ids the vocabulary has.
        avoided: Special ids, which some models treat in other ways.
        length: How many ids are wanted.
    """
    allowed = [index for index in range(tokens) if index not in avoided] or list(range(tokens))
    chance = Random(0)
    half = [allowed[int(chance.random() * len(allowed))] for _ in range(-(-length // 2))]
    return tuple((half * 2)[:length])
