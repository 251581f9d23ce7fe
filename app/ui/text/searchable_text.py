"""Text as it is searched, with the positions of its characters in the document that shows it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from app.ui.text.transcript_text import Piece
from app.ui.utf16 import utf16_length

_WIDEST = "\uffff"
"""The last character that is one UTF-16 code unit."""


class SearchableText:
    """The exact text of pieces; a piece without exact text is searched as it is shown.

    Args:
        pieces: The pieces, in the order of the document.
    """

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._pieces = list(pieces)
        parts = [piece.exact or piece.shown for piece in self._pieces]
        self.text = "".join(parts)
        self._starts = [0, *accumulate(map(len, parts))]
        self._units = _code_units(self.text)

    @classmethod
    def of(cls, text: str) -> SearchableText:
        """A text that is shown as it is."""
        return cls([Piece(0, text, text)] if text else [])

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Start and end in the document of the characters from ``start`` to ``end``, exclusive."""
        return self._place_of(start), self._place_of(end - 1, after=True)

    def _place_of(self, character: int, *, after: bool = False) -> int:
        """Where a character begins in the document, or where it ends."""
        at = bisect_right(self._starts, character) - 1
        piece = self._pieces[at]
        if piece.shown != piece.exact:  # a mark is found as a whole
            return piece.end if after else piece.start
        units = self._units
        if units is None:
            return piece.start + character - self._starts[at] + after
        return piece.start + units[character + after] - units[self._starts[at]]


def _code_units(text: str) -> Sequence[int] | None:
    """The UTF-16 code units before each character; None where each character is one."""
    if not text or max(text) <= _WIDEST:
        return None
    return [0, *accumulate(map(utf16_length, text))]
