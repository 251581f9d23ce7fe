"""Mapping between positions in the shown document, exact text and tokens."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from app.ui.utf16 import utf16_length


class Piece(NamedTuple):
    """A piece of exact text, the text that is shown for it, and its ``start`` in the document.

    Positions and lengths in the document are in UTF-16 code units, like Qt's.
    """

    start: int
    shown: str
    exact: str

    @property
    def end(self) -> int:
        return self.start + utf16_length(self.shown)

    def part(self, start: int, end: int) -> str:
        """The exact text of the document's positions from ``start`` to ``end``."""
        if self.shown != self.exact:
            return self.exact if start < self.end and end > self.start else ""
        units = self.exact.encode("utf-16-le")
        first, last = max(start - self.start, 0), max(end - self.start, 0)
        return units[2 * first : 2 * last].decode("utf-16-le", errors="replace")


class TextMap:
    """Maps positions in the document to exact text and to tokens, and tokens to positions."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._piece_starts: list[int] = []
        self._token_starts: list[int] = []
        self.end = 0

    def add(self, shown: str, exact: str) -> None:
        """Append a piece of text."""
        self._pieces.append(Piece(self.end, shown, exact))
        self._piece_starts.append(self.end)
        self.end += utf16_length(shown)

    def begin_token(self) -> None:
        """Start the next token: pieces that are added from here on belong to it."""
        self._token_starts.append(self.end)

    @property
    def pieces(self) -> Sequence[Piece]:
        """All pieces of text, in order."""
        return self._pieces

    @property
    def count(self) -> int:
        """Number of tokens."""
        return len(self._token_starts)

    def tokens_in(self, start: int, end: int) -> range:
        """The tokens that are shown, at least in part, between two positions of the document."""
        first = max(bisect_right(self._token_starts, start) - 1, 0)
        return range(first, max(bisect_left(self._token_starts, end), first))

    def token_at(self, position: int) -> int | None:
        """The token shown at a position of the document; None in the prompt."""
        index = bisect_right(self._token_starts, position) - 1
        return index if index >= 0 else None

    def token_range(self, index: int) -> tuple[int, int]:
        """Start and end position of a token in the document."""
        following = index + 1
        last = following == len(self._token_starts)
        return self._token_starts[index], self.end if last else self._token_starts[following]

    def start_of(self, index: int) -> int:
        """Start of a token in the document; its end for the token that follows the last one."""
        return self._token_starts[index] if index < self.count else self.end

    def exact(self, start: int, end: int) -> str:
        """The exact text of a part of the document."""
        first = max(bisect_right(self._piece_starts, start) - 1, 0)
        parts = []
        for piece in self._pieces[first:]:
            if piece.start >= end:
                break
            parts.append(piece.part(start, end))
        return "".join(parts)
