"""Near-duplicates: documents that share most of their word sequences.

Documents are compared as sets of shingles, which are runs of five words, by their Jaccard
similarity |A ∩ B| / |A ∪ B|. Source: Broder, On the resemblance and containment of documents, 1997;
five words and deduplication as in Lee et al., arXiv 2107.06499. The similarity is exact: only
documents that share a shingle are compared, which an index of the shingles finds.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict

SHINGLE_WORDS = 5
THRESHOLD = 0.6
_WORD = re.compile(r"\w+|[^\w\s]")


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """The shingles of a text, ignoring case and spaces; one of a text with fewer words."""
    words = _WORD.findall(text.casefold())
    count = max(1, len(words) - SHINGLE_WORDS + 1)
    return frozenset(tuple(words[start : start + SHINGLE_WORDS]) for start in range(count))


def similarity(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    """The Jaccard similarity of two sets of shingles."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


class ShingleIndex:
    """Documents to which others are compared."""

    def __init__(self) -> None:
        self._sizes: list[int] = []
        self._holders: dict[tuple[str, ...], list[int]] = defaultdict(list)

    def add(self, text: str) -> None:
        """Add a document."""
        found = shingles(text)
        for shingle in found:
            self._holders[shingle].append(len(self._sizes))
        self._sizes.append(len(found))

    def has_similar(self, text: str, threshold: float = THRESHOLD) -> bool:
        """Whether a document of the index has at least this similarity to ``text``."""
        found = shingles(text)
        shared = Counter(place for each in found for place in self._holders.get(each, ()))
        return any(
            count >= threshold * (len(found) + self._sizes[place] - count)
            for place, count in shared.items()
        )
