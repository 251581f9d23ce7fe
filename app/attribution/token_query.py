"""Queries for tokens of a text: by id, class, rank, shift, flip and pair."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

from app.attribution.explained_token import ExplainedToken
from app.attribution.measures import BIT
from app.attribution.series import AttributionSeries

_SPECIAL = re.compile(r"<[|｜/]?[\w▁:.\-]+[|｜/]?>|\[/?[A-Z_]{2,}\]")
"""How special tokens are written: <s>, </s>, <|im_end|>, <unused7>, [INST]."""


class Criterion(StrEnum):
    """What a query asks of a token."""

    ID = "id"
    CLASS = "class"
    RANK = "rank"
    TUNED_RANK = "tuned rank"
    RAISED = "raised"
    LOWERED = "lowered"
    FLIP = "flip"
    RAISED_BY = "raised by"
    LOWERED_BY = "lowered by"
    BOOKMARK = "bookmark"


class TextClass(StrEnum):
    """A class of tokens by their text; a token may belong to several."""

    SPECIAL = "special"
    WHITESPACE = "whitespace"
    LINE_BREAK = "line break"
    DIGITS = "digits"
    WORD_START = "word start"
    WORD_INSIDE = "inside a word"
    PUNCTUATION = "punctuation"
    NOT_ASCII = "not ASCII"
    PART = "part of a character"


@dataclass(frozen=True, slots=True)
class TokenQuery:
    """A query for tokens.

    Attributes:
        criterion: What is asked.
        number: The id; the rank that a token must be above; the smallest shift, in bits.
        text_class: The class.
        pair: Name of the pair whose contribution must be the largest, or the lowest, of all pairs.
    """

    criterion: Criterion
    number: float = 0.0
    text_class: TextClass = TextClass.SPECIAL
    pair: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class QueriedTokens:
    """The tokens of a text, and what is known of them.

    Attributes:
        tokens: The tokens.
        series: Their attributions.
        label: Returns the text of a token id.
        pair_names: Names of the pairs; empty for a text of one role.
        bookmarks: Indices of the tokens with a bookmark.
    """

    tokens: Sequence[ExplainedToken]
    series: AttributionSeries
    label: Callable[[int], str]
    pair_names: tuple[str, ...] = ()
    bookmarks: Collection[int] = ()


def find_tokens(query: TokenQuery, asked: QueriedTokens) -> list[int]:
    """The indices of the tokens that match, ascending."""
    match query.criterion:
        case Criterion.ID:
            return [token.index for token in asked.tokens if token.token_id == query.number]
        case Criterion.CLASS:
            found = enumerate(_classes(asked))
            return [index for index, classes in found if query.text_class in classes]
        case Criterion.BOOKMARK:
            return sorted(index for index in asked.bookmarks if index < len(asked.tokens))
        case Criterion.RANK:
            return _places(asked.series.rank_base > query.number)
    return _by_pairs(query, asked) if asked.pair_names else []


def _by_pairs(query: TokenQuery, asked: QueriedTokens) -> list[int]:
    """The tokens that match a criterion which needs pairs."""
    series = asked.series
    match query.criterion:
        case Criterion.RAISED:
            return _places(series.shift >= query.number * BIT)
        case Criterion.LOWERED:
            return _places(series.shift <= -query.number * BIT)
        case Criterion.FLIP:
            return _places(series.flipped)
        case Criterion.TUNED_RANK:
            return _places(series.rank_tuned > query.number)
    if query.pair not in asked.pair_names:
        return []
    parts = series.contributions
    own = parts[:, asked.pair_names.index(query.pair)]
    if query.criterion is Criterion.RAISED_BY:
        return _places((own > 0) & (own >= parts.max(axis=1)))
    return _places((own < 0) & (own <= parts.min(axis=1)))


def _places(matching: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> list[int]:
    found: list[int] = np.flatnonzero(matching).tolist()
    return found


def _classes(asked: QueriedTokens) -> Iterator[frozenset[TextClass]]:
    """The classes of each token."""
    before = ""
    for token in asked.tokens:
        yield classes_of_token(token.text, asked.label(token.token_id), before)
        before = token.text[-1:] or before


@lru_cache(maxsize=2**14)
def classes_of_token(text: str, label: str, before: str) -> frozenset[TextClass]:
    """The classes of a token.

    Args:
        text: The text that the token adds.
        label: The text of its id, for tokens that add none.
        before: The character before the token; empty at the beginning.
    """
    if _SPECIAL.fullmatch((text or label).strip()):
        return frozenset({TextClass.SPECIAL})
    if not text or "\ufffd" in text:
        return frozenset({TextClass.PART})
    classes = {TextClass.LINE_BREAK} if "\n" in text or "\r" in text else set()
    if not text.isascii():
        classes.add(TextClass.NOT_ASCII)
    word = text.strip()
    if not word:
        return frozenset(classes | {TextClass.WHITESPACE})
    if all(character.isdigit() for character in word):
        classes.add(TextClass.DIGITS)
    if all(unicodedata.category(character)[0] in "PS" for character in word):
        return frozenset(classes | {TextClass.PUNCTUATION})
    return frozenset(classes | {_place_in_word(text, before)})


def _place_in_word(text: str, before: str) -> TextClass:
    """Whether the first letter or digit of a token begins a word, or goes on with one."""
    at = next((place for place, character in enumerate(text) if character.isalnum()), 0)
    last = text[at - 1] if at else before
    return TextClass.WORD_INSIDE if last.isalnum() else TextClass.WORD_START
