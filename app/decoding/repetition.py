"""Whether a text has begun to repeat itself word for word. Imports no torch: the window asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LEAST_COVERED = 64
"""Tokens that must be the same cycle over and over before it is called one."""

_LEAST_TIMES = 3
_LONGEST = 128


@dataclass(frozen=True, slots=True)
class Repetition:
    """The end of a text, as a cycle.

    Attributes:
        length: Tokens of the cycle.
        times: How often it stands there, whole.
    """

    length: int
    times: int


def repetition(token_ids: Sequence[int]) -> Repetition | None:
    """The shortest cycle that the end of a text is made of, or None.

    Args:
        token_ids: The text so far; only the end of it is looked at.
    """
    for length in range(1, _LONGEST + 1):
        needed = max(LEAST_COVERED, _LEAST_TIMES * length)
        covered = _covered(token_ids, length)
        if covered >= needed:
            return Repetition(length, covered // length)
    return None


def _covered(token_ids: Sequence[int], length: int) -> int:
    """Tokens at the end that a cycle of ``length`` explains; 0 where there is no second round."""
    place = len(token_ids) - 1
    while place >= length and token_ids[place] == token_ids[place - length]:
        place -= 1
    same = len(token_ids) - 1 - place
    return same + length if same else 0
