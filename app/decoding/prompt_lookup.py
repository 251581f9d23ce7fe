"""Drafts that cost nothing: what followed the last words where they stood before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

SHORTEST_MATCH = 2
_LONGEST_MATCH = 16
_PLACES_COMPARED = 8


@dataclass(frozen=True, slots=True)
class Match:
    """An earlier place, ``end``, before which stand the last ``length`` ids of all."""

    end: int
    length: int


class PromptLookup:
    """Finds the end of a growing list of ids earlier in the list.

    Args:
        ids: Prompt and text. The list is read, not copied: it may only grow at its end.
    """

    def __init__(self, ids: Sequence[int]) -> None:
        self._ids = ids
        self._ends: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        self._indexed = SHORTEST_MATCH - 1

    def match(self) -> Match | None:
        """The longest match, the latest of several; None where there is none."""
        ids, end = self._ids, len(self._ids)
        for place in range(self._indexed + 1, end):  # ends of all but the last words
            self._ends[tuple(ids[place - SHORTEST_MATCH : place])].append(place)
        self._indexed = max(self._indexed, end - 1)
        places = self._ends.get(tuple(ids[end - SHORTEST_MATCH :]), ())
        return max(
            (Match(place, self._common(place, end)) for place in places[-_PLACES_COMPARED:]),
            key=lambda match: (match.length, match.end),
            default=None,
        )

    def draft(self, match: Match, length: int) -> list[int]:
        """The ``length`` ids that followed the match; a period goes on beyond the end."""
        drafted: list[int] = []
        for place in range(match.end, match.end + length):
            known = place < len(self._ids)
            drafted.append(self._ids[place] if known else drafted[place - len(self._ids)])
        return drafted

    def _common(self, place: int, end: int) -> int:
        """How many ids before ``place`` are those before ``end``."""
        longest = min(place, _LONGEST_MATCH)
        same = (self._ids[place - n] == self._ids[end - n] for n in range(1, longest + 1))
        return next((n for n, equal in enumerate(same) if not equal), longest)
