"""Prompt lookup: drafts copied from earlier text after an n-gram match.

Source: Saxena, Prompt Lookup Decoding, 2023.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

SHORTEST_MATCH = 2
_LONGEST_MATCH = 16
_PLACES_COMPARED = 8


@dataclass(frozen=True, slots=True)
class Match:
    """An earlier occurrence of the last ``length`` ids; ``end`` is the index after it."""

    end: int
    length: int


class PromptLookup:
    """Finds earlier occurrences of the end of a growing list of token ids.

    Args:
        ids: Token ids of prompt and run. The list is read, not copied, and may only grow.
    """

    def __init__(self, ids: Sequence[int]) -> None:
        self._ids = ids
        self._ends: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        self._indexed = SHORTEST_MATCH - 1

    def match(self) -> Match | None:
        """The longest match, the latest of equally long ones, or None if there is none."""
        ids, end = self._ids, len(self._ids)
        for place in range(self._indexed + 1, end):  # the final n-gram itself is not indexed
            self._ends[tuple(ids[place - SHORTEST_MATCH : place])].append(place)
        self._indexed = max(self._indexed, end - 1)
        places = self._ends.get(tuple(ids[end - SHORTEST_MATCH :]), ())
        return max(
            (Match(place, self._common(place, end)) for place in places[-_PLACES_COMPARED:]),
            key=lambda match: (match.length, match.end),
            default=None,
        )

    def draft(self, match: Match, length: int) -> list[int]:
        """The ``length`` ids after the match; beyond the end of the list they repeat."""
        drafted: list[int] = []
        for place in range(match.end, match.end + length):
            known = place < len(self._ids)
            drafted.append(self._ids[place] if known else drafted[place - len(self._ids)])
        return drafted

    def _common(self, place: int, end: int) -> int:
        """The number of equal ids before ``place`` and before ``end``, up to a maximum."""
        longest = min(place, _LONGEST_MATCH)
        same = (self._ids[place - n] == self._ids[end - n] for n in range(1, longest + 1))
        return next((n for n, equal in enumerate(same) if not equal), longest)
