"""Search of texts for words or a regular expression, which may not take longer than a second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from app.wording import MARKS

MOST_SECONDS = 1.0
"""Time that a search may take in all of its texts together, in seconds of processor time."""

_CHARACTERS = {mark: character for character, mark in MARKS.items()}

Spans = list[tuple[int, int]]


class PatternError(ValueError):
    """A regular expression that cannot be used; its message says why."""


class TooSlowError(PatternError):
    """A regular expression that would take too long."""


@dataclass(frozen=True, slots=True)
class TextPattern:
    """What is searched for in texts; the marks ↵ and ⇥ stand for line breaks and tabs.

    Attributes:
        wanted: Words, or a regular expression.
        regular: Whether it is a regular expression.
        match_case: Whether upper and lower case differ.
    """

    wanted: str
    regular: bool = False
    match_case: bool = False

    def spans(self, texts: Sequence[str], most_seconds: float = MOST_SECONDS) -> list[Spans]:
        """Start and end of every match in each of ``texts``; matches of no character are left out.

        Python's lock is released meanwhile, so that a window goes on while another thread searches.

        Raises:
            PatternError: The regular expression has a mistake, or would take too long.
        """
        import regex  # at the first search: a window that opens needs none

        flags = regex.MULTILINE | (0 if self.match_case else regex.IGNORECASE)
        written = self.wanted if self.regular else "".join(map(_literally, self.wanted))
        end = time.thread_time() + most_seconds
        try:
            pattern = regex.compile(written, flags)
            return [
                [
                    found.span()
                    for found in pattern.finditer(text, timeout=_left(end), concurrent=True)
                    if found.end() > found.start()
                ]
                for text in texts
            ]
        except regex.error as error:
            raise PatternError(str(error)) from error
        except TimeoutError as error:
            raise TooSlowError from error


def _left(end: float) -> float:
    """The seconds of processor time until ``end``."""
    left = end - time.thread_time()
    if left <= 0:
        raise TooSlowError
    return left


def _literally(character: str) -> str:
    """A regular expression for one typed character; a mark matches what it stands for, too."""
    import regex

    literal: str = regex.escape(character)
    if character not in _CHARACTERS:
        return literal
    return f"(?:{literal}|{regex.escape(_CHARACTERS[character])})"
