"""Division of a run's tokens into words, sentences and lines of whole tokens."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from enum import StrEnum

from PySide6.QtCore import QTextBoundaryFinder

from app.ui.utf16 import utf16_length


class Grouping(StrEnum):
    """Unit of tokens that is coloured and selected as one."""

    TOKEN = "token"
    WORD = "word"
    SENTENCE = "sentence"
    LINE = "line"


_BOUNDARIES = {
    Grouping.WORD: QTextBoundaryFinder.BoundaryType.Word,
    Grouping.SENTENCE: QTextBoundaryFinder.BoundaryType.Sentence,
}
_UNSETTLED = 3
"""Number of last groups that may change when text follows: “don’” becomes “don’t”."""
_THAI = re.compile("[\u0e01-\u0e7f]")
_LETTER = re.compile(r"[^\W\d_]")
_PARAGRAPH = re.compile(r"[^\n]*\n|[^\n]+")


class TokenGroups:
    """Divides the tokens of a growing run into consecutive groups.

    A token belongs to the word, sentence or line, by Unicode's rules, of its first non-space
    character. A token of spaces belongs to the following word, and bytes of an incomplete
    character belong to the token that completes it.
    """

    def __init__(self, grouping: Grouping = Grouping.TOKEN) -> None:
        self.grouping = grouping
        self.starts: list[int] = []
        """Index of the first token of each group."""
        self.count = 0
        """Number of tokens."""
        self.settled = 0
        """Number of tokens at the beginning whose groups no longer change."""
        self._texts: list[str] = []
        self._begins: list[int] = []
        self._length = 0
        self._paragraphs = [0]
        self._units = [0]

    def extend(self, texts: Sequence[str]) -> None:
        """Append tokens with these texts."""
        if self.grouping is Grouping.TOKEN:
            self.starts.extend(range(self.count, self.count + len(texts)))
            self.count += len(texts)
            self.settled = self.count
            return
        for text in texts:
            self._texts.append(text)
            self._begins.append(self._length)
            for line in text.splitlines(keepends=True):
                self._length += utf16_length(line)
                if line.endswith("\n"):
                    self._paragraphs.append(self._length)
        self.count = len(self._texts)
        if texts:
            self._divide()

    def group_of(self, token: int) -> int:
        """Index of the group that contains ``token``."""
        return bisect_right(self.starts, token) - 1

    def range_of(self, token: int) -> tuple[int, int]:
        """First and end index of the group that contains ``token``."""
        group = self.group_of(token)
        last = group + 1 == len(self.starts)
        return self.starts[group], self.count if last else self.starts[group + 1]

    def _unsettled(self) -> tuple[int, int]:
        """The first token whose group may change when text follows, and where to divide again.

        Qt divides Thai by a dictionary, together with the other characters up to the next script,
        and those before it at the beginning. So a paragraph of Thai is divided as a whole.
        """
        if len(self.starts) < _UNSETTLED:
            return 0, 0
        first = self.starts[-_UNSETTLED]
        begin = self._units[bisect_right(self._units, self._begins[first]) - 1]
        if self.grouping is not Grouping.LINE:
            paragraph = self._paragraphs[bisect_right(self._paragraphs, begin) - 1]
            text = self._text_after(paragraph).partition("\n")[0]
            if _THAI.search(text) or not _LETTER.search(text):
                token = bisect_right(self._begins, paragraph) - 1
                return self.starts[self.group_of(token)], paragraph
        return first, begin

    def _divide(self) -> None:
        """Compute the groups again that may have changed."""
        first, begin = self._unsettled()
        del self._units[bisect_left(self._units, begin) :]
        units = _units(self._text_after(begin), self.grouping)
        self._units += [begin + unit for unit in units]
        unit_of = [self._unit(index) for index in range(first, self.count)]
        self._join(unit_of, first)
        del self.starts[bisect_left(self.starts, first) :]
        self.starts += [
            first + place
            for place, unit in enumerate(unit_of)
            if place == 0 or unit != unit_of[place - 1]
        ]
        self.settled, _ = self._unsettled()

    def _text_after(self, begin: int) -> str:
        """The text from a place on, which is counted in UTF-16 code units."""
        token = bisect_right(self._begins, begin) - 1
        rest, before = "".join(self._texts[token:]), begin - self._begins[token]
        if before:
            units = rest.encode("utf-16-le", "surrogatepass")
            rest = units[2 * before :].decode("utf-16-le", "surrogatepass")
        return rest

    def _unit(self, index: int) -> int:
        """Index of the unit that contains the first non-space character of a token."""
        text = self._texts[index]
        spaces = len(text) - len(text.lstrip())
        if not text or spaces == len(text):
            spaces = 0
        return bisect_right(self._units, self._begins[index] + spaces) - 1

    def _join(self, unit_of: list[int], first: int) -> None:
        """Assign bytes of incomplete characters, and spaces, to the unit of the next token."""
        for place in range(len(unit_of) - 2, -1, -1):
            text = self._texts[first + place]
            space = self.grouping is Grouping.WORD and text.isspace()
            if not text or (space and not _breaks(text)):
                unit_of[place] = unit_of[place + 1]


def _breaks(text: str) -> bool:
    """Whether ``text`` contains a line break."""
    return text.splitlines() != [text]


def _units(text: str, grouping: Grouping) -> list[int]:
    """Starts of the units of ``text``, ascending from 0, in UTF-16 code units."""
    starts = [0]
    if grouping is Grouping.LINE:
        for line in text.splitlines(keepends=True):
            if _breaks(line):
                starts.append(starts[-1] + utf16_length(line))
        return starts
    for paragraph in _PARAGRAPH.findall(text):
        begin = starts[-1]
        finder = QTextBoundaryFinder(_BOUNDARIES[grouping], paragraph)
        while (place := finder.toNextBoundary()) != -1:
            starts.append(begin + place)
    return starts
