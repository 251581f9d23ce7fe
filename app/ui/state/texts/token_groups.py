"""Tokens in groups: words, sentences and lines of the exact text, of whole tokens each."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum

from PySide6.QtCore import QTextBoundaryFinder

from app.ui.utf16 import utf16_length


class Grouping(StrEnum):
    """What is coloured and chosen as one."""

    TOKEN = "token"
    WORD = "word"
    SENTENCE = "sentence"
    LINE = "line"


_BOUNDARIES = {
    Grouping.WORD: QTextBoundaryFinder.BoundaryType.Word,
    Grouping.SENTENCE: QTextBoundaryFinder.BoundaryType.Sentence,
}
_UNSETTLED = 3
"""So many groups at the end may still change when text follows: “don’” becomes “don’t”."""


class TokenGroups:
    """Divides the tokens of a text that grows into groups that follow one another.

    A token belongs to the word, sentence or line, after Unicode's rules, of its first character
    that is not space. Tokens of space alone go with the word after them, and bytes of a character
    that is not complete with the token that completes it.
    """

    def __init__(self, grouping: Grouping = Grouping.TOKEN) -> None:
        self.grouping = grouping
        self.starts: list[int] = []
        """The first token of each group."""
        self.count = 0
        """How many tokens there are."""
        self._texts: list[str] = []
        self._begins: list[int] = []
        self._length = 0
        self._units = [0]

    def extend(self, texts: Sequence[str]) -> None:
        """Append tokens with these texts."""
        if self.grouping is Grouping.TOKEN:
            self.starts.extend(range(self.count, self.count + len(texts)))
            self.count += len(texts)
            return
        for text in texts:
            self._texts.append(text)
            self._begins.append(self._length)
            self._length += utf16_length(text)
        self.count = len(self._texts)
        if texts:
            self._divide()

    @property
    def settled(self) -> int:
        """So many tokens at the beginning stay in their groups, and those without others."""
        if self.grouping is Grouping.TOKEN:
            return self.count
        return self.starts[-_UNSETTLED] if len(self.starts) >= _UNSETTLED else 0

    def group_of(self, token: int) -> int:
        """The group that a token is in."""
        return bisect_right(self.starts, token) - 1

    def range_of(self, token: int) -> tuple[int, int]:
        """The first token of the group that ``token`` is in, and the one after its last."""
        group = self.group_of(token)
        last = group + 1 == len(self.starts)
        return self.starts[group], self.count if last else self.starts[group + 1]

    def _divide(self) -> None:
        """Find the groups from the last ones that are settled on."""
        settled = self.starts[:-_UNSETTLED]
        first = self.starts[len(settled)] if self.starts else 0
        self._divide_text(bisect_right(self._units, self._begins[first]) - 1)
        unit_of = [self._unit(index) for index in range(first, self.count)]
        self._join(unit_of, first)
        starts = [
            first + place
            for place, unit in enumerate(unit_of)
            if place == 0 or unit != unit_of[place - 1]
        ]
        self.starts = settled + starts

    def _divide_text(self, place: int) -> None:
        """Find where units begin, from the unit at ``place`` on."""
        begin = self._units[place]
        token = bisect_right(self._begins, begin) - 1
        rest = "".join(self._texts[token:]).encode("utf-16-le", "surrogatepass")
        rest = rest[2 * (begin - self._begins[token]) :]
        units = _units(rest.decode("utf-16-le", "surrogatepass"), self.grouping)
        self._units[place:] = [begin + unit for unit in units]

    def _unit(self, index: int) -> int:
        """The unit of a token's first character that is not space."""
        text = self._texts[index]
        spaces = len(text) - len(text.lstrip())
        if not text or spaces == len(text):
            spaces = 0
        return bisect_right(self._units, self._begins[index] + spaces) - 1

    def _join(self, unit_of: list[int], first: int) -> None:
        """Let bytes, and space before a word, go with what follows them."""
        for place in range(len(unit_of) - 2, -1, -1):
            text = self._texts[first + place]
            space = self.grouping is Grouping.WORD and text.isspace()
            if not text or (space and not _breaks(text)):
                unit_of[place] = unit_of[place + 1]


def _breaks(text: str) -> bool:
    """Whether there is a line break in ``text``."""
    return text.splitlines() != [text]


def _units(text: str, grouping: Grouping) -> list[int]:
    """Where units begin in ``text``, in UTF-16 code units: ascending from 0."""
    starts = [0]
    if grouping is Grouping.LINE:
        for line in text.splitlines(keepends=True):
            if _breaks(line):
                starts.append(starts[-1] + utf16_length(line))
        return starts
    finder = QTextBoundaryFinder(_BOUNDARIES[grouping], text)
    while (place := finder.toNextBoundary()) != -1:
        starts.append(place)
    return starts
