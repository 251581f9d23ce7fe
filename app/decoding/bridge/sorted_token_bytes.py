"""The bytes of tokens, sorted, so that all tokens with a common beginning stand together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


class TokenBytes:
    """The tokens of a vocabulary by their bytes.

    Args:
        spelled: The bytes of each id, None for ids that stand for no text. If several ids have the
            same bytes, the first is the token of these bytes.
    """

    def __init__(self, spelled: Sequence[bytes | None]) -> None:
        self._spelled = spelled
        self._id_of: dict[bytes, int] = {}
        for index, token in enumerate(spelled):
            if token:
                self._id_of.setdefault(token, index)
        known = sorted((token, index) for index, token in enumerate(spelled) if token)
        self._sorted = [token for token, _ in known]
        self._ids = np.array([index for _, index in known], np.int64)
        self.longest = max(map(len, self._id_of), default=0)

    def __len__(self) -> int:
        return len(self._spelled)

    def __getitem__(self, index: int) -> bytes:
        """The bytes of an id; empty if it stands for no text."""
        return self._spelled[index] or b""

    def id_of(self, token: bytes) -> int | None:
        """The token of exactly these bytes."""
        return self._id_of.get(token)

    def ids(self) -> Iterable[int]:
        """The token of every byte string that is a token."""
        return self._id_of.values()

    def first_piece(self, text: bytes) -> int | None:
        """The longest token that ``text`` begins with."""
        for length in range(min(len(text), self.longest), 0, -1):
            index = self._id_of.get(text[:length])
            if index is not None:
                return index
        return None

    def pieces(self, text: bytes) -> Iterator[int]:
        """``text`` in tokens, each the longest that fits; needs a token for every byte."""
        start = 0
        while start < len(text):
            index = self.first_piece(text[start:])
            assert index is not None
            yield index
            start += len(self[index])

    def some_longer_than(self, beginning: bytes) -> bool:
        """Whether any token begins with ``beginning``, which is not empty, and goes on."""
        place = bisect_right(self._sorted, beginning)
        return place < len(self._sorted) and self._sorted[place].startswith(beginning)

    def longer_than(self, beginning: bytes) -> Ids:
        """The ids of the tokens that begin with ``beginning``, which is not empty, and go on."""
        low = bisect_right(self._sorted, beginning)
        return self._ids[low : bisect_left(self._sorted, _after(beginning), low)]


def _after(beginning: bytes) -> bytes:
    """The lowest byte string above all that begin with ``beginning``, for sorted tokens."""
    kept = beginning.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else b"\xff" * 4096
