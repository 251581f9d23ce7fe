"""Caches of texts that were read before, so that a text with the same beginning reads the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.decoding.cache_state import CacheState

Ids = NDArray[np.int64]
SHORTEST = 64
"""Fewer tokens than these are read again rather than kept."""
_COPIED_FOR_ONE = 16
"""The most tokens that are copied for each token that the copy saves from being read again."""


@dataclass(frozen=True, slots=True, eq=False)
class KeptText:
    """The cache of a text that was read.

    Attributes:
        owner: The model context that read it; no other can use it.
        ids: The token ids.
        state: The cache after them.
        size: Bytes of the cache.
        device: The device whose memory it takes.
    """

    owner: object
    ids: Ids
    state: CacheState
    size: int
    device: str


class PrefixCache:
    """Texts that were read before, bounded in bytes; the least recently used are dropped first.

    Args:
        limit: The bound in bytes; with 0, nothing is kept.
    """

    def __init__(self, limit: int = 0) -> None:
        self._limit = limit
        self._texts: list[KeptText] = []  # the least recently used first

    @property
    def limit(self) -> int:
        """The bound in bytes."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit
        self._shrink()

    @property
    def size(self) -> int:
        """Bytes of all kept texts."""
        return sum(text.size for text in self._texts)

    def size_on(self) -> dict[str, int]:
        """Bytes of the kept texts on each device."""
        found = Counter[str]()
        for text in self._texts:
            found[text.device] += text.size
        return dict(found)

    def keep(self, owner: object, ids: Sequence[int] | Ids, state: CacheState) -> None:
        """Keep a text, unless it is short or larger than the bound.

        The state belongs to the cache from now on. Texts of this owner that are a prefix of the
        new one, and as useful shortened from it, are dropped.
        """
        device = str(state.device)
        text = KeptText(owner, np.asarray(ids, np.int64), state, state.size, device)
        if len(text.ids) < SHORTEST or text.size > self._limit:
            return
        self._texts = [held for held in self._texts if not _replaces(text, held)]
        self._texts.append(text)
        self._shrink()

    def longest(self, owner: object, ids: Ids) -> tuple[KeptText | None, int]:
        """The text of ``owner`` of which most first tokens can be reused for ``ids``.

        Returns:
            The text, or None, and the number of tokens.
        """
        best: KeptText | None = None
        most = 0
        for text in self._texts:
            if text.owner is owner:
                common = text.state.reusable(common_prefix(text.ids, ids))
                if common >= max(most, 1):
                    best, most = text, common
        return best, most

    def remove(self, text: KeptText) -> None:
        """Remove a text, whose state then belongs to the caller."""
        self._texts = [held for held in self._texts if held is not text]

    def clear(self) -> None:
        """Drop all texts."""
        self._texts = []

    def _shrink(self) -> None:
        while self.size > self._limit:
            del self._texts[0]


def common_prefix(one: Ids, other: Ids) -> int:
    """The number of first ids that both have in common."""
    length = min(len(one), len(other))
    differ = np.flatnonzero(one[:length] != other[:length])
    return int(differ[0]) if len(differ) else length


def is_worth_a_copy(length: int, common: int) -> bool:
    """Whether a text is kept beside a copy of its first ``common`` tokens, and not shortened."""
    lost = length - common
    return lost >= SHORTEST and lost * _COPIED_FOR_ONE >= common


def _replaces(text: KeptText, held: KeptText) -> bool:
    length = len(held.ids)
    return (
        held.owner is text.owner
        and common_prefix(text.ids, held.ids) == length
        and text.state.reusable(length) == length
    )
