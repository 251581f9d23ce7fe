"""Detects a text that repeats the same tokens at its end. No torch: the window imports it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LEAST_COVERED = 64
"""Minimum number of tokens that a repeated cycle has to cover."""

_LEAST_TIMES = 3
_LONGEST = 128


@dataclass(frozen=True, slots=True)
class Repetition:
    """A cycle of tokens at the end of a text.

    Attributes:
        length: Length of the cycle in tokens.
        times: Number of complete repetitions.
    """

    length: int
    times: int


def repetition(token_ids: Sequence[int]) -> Repetition | None:
    """The shortest repeated cycle at the end of a text, or None.

    Args:
        token_ids: The text so far; only the end of it is looked at.
    """
    for length in range(1, min(_LONGEST, len(token_ids) - 1) + 1):
        if token_ids[-1] != token_ids[-1 - length]:
            continue
        needed = max(LEAST_COVERED, _LEAST_TIMES * length)
        covered = _covered(token_ids, length)
        if covered >= needed:
            return Repetition(length, covered // length)
    return None


def _covered(token_ids: Sequence[int], length: int) -> int:
    """Number of tokens at the end that repeat with period ``length``, which the last one does."""
    place = len(token_ids) - 1
    while place >= length and token_ids[place] == token_ids[place - length]:
        place -= 1
    return len(token_ids) - 1 - place + length
