"""Where exact text is in the document that shows it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from app.ui.utf16 import utf16_length


@dataclass(frozen=True, slots=True)
class Piece:
    """Some exact text and what is shown for it; ``start`` is where in the document.

    Positions and lengths in the document are in UTF-16 code units, as Qt counts.
    """

    start: int
    shown: str
    exact: str

    @property
    def end(self) -> int:
        return self.start + utf16_length(self.shown)

    def part(self, start: int, end: int) -> str:
        """The exact text behind the document's positions from ``start`` to ``end``."""
        if self.shown != self.exact:
            return self.exact if start < self.end and end > self.start else ""
        units = self.exact.encode("utf-16-le")
        first, last = max(start - self.start, 0), max(end - self.start, 0)
        return units[2 * first : 2 * last].decode("utf-16-le", errors="replace")


class TextMap:
    """From positions in the document to exact text and to tokens, and back."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._piece_starts: list[int] = []
        self._token_starts: list[int] = []
        self.end = 0

    def add(self, shown: str, exact: str) -> None:
        """Append a piece of text."""
        self._pieces.append(Piece(self.end, shown, exact))
        self._piece_starts.append(self.end)
        self.end = self._pieces[-1].end

    def begin_token(self) -> None:
        """What is added from here on belongs to the next token."""
        self._token_starts.append(self.end)

    @property
    def count(self) -> int:
        """How many tokens there are."""
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
        """Where in the document a token is shown."""
        following = index + 1
        last = following == len(self._token_starts)
        return self._token_starts[index], self.end if last else self._token_starts[following]

    def exact(self, start: int, end: int) -> str:
        """The exact text behind a part of the document."""
        first = max(bisect_right(self._piece_starts, start) - 1, 0)
        parts = []
        for piece in self._pieces[first:]:
            if piece.start >= end:
                break
            parts.append(piece.part(start, end))
        return "".join(parts)
