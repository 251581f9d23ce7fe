"""The sampling noise: one random number for each seed, position and token id, in any order.

Every position has a key, a word of Philox keyed by the seed and counted by the position (Salmon et
al., Parallel Random Numbers: As Easy as 1, 2, 3, 2011). From the key SplitMix64 counts the ids
(Steele et al., Fast Splittable Pseudorandom Number Generators, 2014). The noise of a few ids can
therefore be computed alone, and a device computes the same noise as the host. Imports no torch.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

STEP = 0x9E3779B97F4A7C15
MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
LAST_SHIFT = 31
DROPPED_BITS = 11  # float64 holds 53
UNIT = 2.0**-53
_SEEDS = 2**32  # seeds are chosen among these, so that people can type them
_BLOCK = 16_384  # ids per block, so that intermediate results stay in the processor's cache

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]


def new_seed() -> int:
    """A seed chosen at random."""
    return secrets.randbelow(_SEEDS)


def key_of(seed: int, position: int) -> int:
    """The 64-bit noise key of a position."""
    return int(np.random.Philox(key=seed, counter=[0, 0, position, 0]).random_raw())


def exponentials(key: int, ids: Ids) -> Floats:
    """Standard exponential variates of the given ids, [n]."""
    return _exponential(_bits(key, ids.astype(np.uint64)))


def smallest(key: int, size: int, bound: float) -> Iterator[tuple[Ids, Floats]]:
    """All ids below ``size`` whose variate is at most ``bound``, in blocks with their variates.

    Ids whose variate is slightly above the bound may be included.
    """
    most = np.uint64(min(max(bound, 0.0) / UNIT + 1.0, 2.0**53))  # −log(1 − u) ≥ u
    for start in range(0, size, _BLOCK):
        ids = np.arange(start, min(start + _BLOCK, size), dtype=np.uint64)
        bits = _bits(key, ids)
        found = np.flatnonzero(bits <= most)
        if found.size:
            yield found + start, _exponential(bits[found])


def signed(word: int) -> int:
    """The int64 with the bits of an unsigned 64-bit word."""
    return word - (1 << 64) if word >> 63 else word


def _bits(key: int, words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """53 random bits for each id; the argument is overwritten."""
    words *= np.uint64(STEP)
    words += np.uint64(key)
    for shift, factor in MIX:
        words ^= words >> np.uint64(shift)
        words *= np.uint64(factor)
    words ^= words >> np.uint64(LAST_SHIFT)
    words >>= np.uint64(DROPPED_BITS)
    return words


def _exponential(bits: NDArray[np.uint64]) -> Floats:
    values: Floats = -np.log1p(-(bits + 0.5) * UNIT)
    return values
