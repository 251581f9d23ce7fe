"""Classification of tokens by their text: digits, operators, first words of sentences, and more."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum

_DIGITS = re.compile(r"\d[\d.,]*")
_OPERATORS = frozenset("+-*/=<>%^&|~×÷−·±≈≠≤≥→√")
_ENDS = ".!?…。！？"
_CLOSING = "\"')]}”’»*_"
_FENCE = "```"
_KEYWORDS = frozenset(keyword.kwlist)


class TokenClass(StrEnum):
    """The class of a token, in display order."""

    DIGITS = "digits"
    OPERATORS = "operators"
    PUNCTUATION = "punctuation"
    SENTENCE_STARTS = "first words of a sentence"
    KEYWORDS = "code keywords"
    OTHER = "other"


def classes_of(texts: Iterable[str], *, code: bool = False) -> Iterator[TokenClass]:
    """The class of each token of a text.

    A word begins a sentence at the beginning of the text, at the beginning of a line, and after the
    end of a sentence. Code has no sentences; its keywords are those of Python.

    Args:
        texts: The texts of the tokens, in order; they concatenate to the whole text.
        code: Whether the whole text is code. If not, only parts fenced by three backticks are.
    """
    before = ""
    for text in texts:
        yield _class_of(text, before, code or before.count(_FENCE) % 2 == 1)
        before += text


def _class_of(text: str, before: str, in_code: bool) -> TokenClass:
    word = text.strip()
    if not word:
        return TokenClass.OTHER
    if _DIGITS.fullmatch(word):
        return TokenClass.DIGITS
    if all(character in _OPERATORS for character in word):
        return TokenClass.OPERATORS
    if all(unicodedata.category(character)[0] in "PS" for character in word):
        return TokenClass.PUNCTUATION
    if in_code:
        return TokenClass.KEYWORDS if word in _KEYWORDS else TokenClass.OTHER
    gap = before + text[: len(text) - len(text.lstrip())]
    return TokenClass.SENTENCE_STARTS if _sentence_begins(gap) else TokenClass.OTHER


def _sentence_begins(before: str) -> bool:
    """Whether a word directly after ``before`` is the first word of a sentence."""
    said = before.rstrip()
    if not said or "\n" in before[len(said) :]:
        return True
    return len(said) < len(before) and said.rstrip(_CLOSING).endswith(tuple(_ENDS))
