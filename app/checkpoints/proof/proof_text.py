"""The token ids that a model reads in its proof."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from random import Random

TOKENS = 32
"""Longer than the blocks that use other kernels: 4 tokens in attention, 17 captured, 24 packed."""
FEWEST = 12
"""Models with a shorter context length are not proved."""


def proof_ids(
    tokens: int, avoided: Collection[int], length: int = TOKENS, begin: Sequence[int] = ()
) -> tuple[int, ...]:
    """Random ids, repeated once; always the same ids for the same vocabulary.

    The logits of the second half depend on the first half, so they reveal a cache that holds wrong
    tokens or positions.

    Args:
        tokens: Size of the vocabulary.
        avoided: Special ids, which some models treat in other ways.
        length: Number of ids to return.
        begin: Ids that every prompt of the model begins with. Without them, rounding has a much
            greater effect on some models: in Gemma 3, attention goes to the first token wherever it
            needs no other.
    """
    allowed = [index for index in range(tokens) if index not in avoided] or list(range(tokens))
    random = Random(0)
    half = [allowed[int(random.random() * len(allowed))] for _ in range(-(-length // 2))]
    return tuple([*begin, *half, *half][:length])
