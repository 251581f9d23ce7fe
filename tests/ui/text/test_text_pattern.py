"""Words and regular expressions in texts, and the places of matches in the shown document."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from itertools import accumulate

import pytest

from app.decoding.shown_text import show
from app.ui.text.searchable_text import SearchableText
from app.ui.text.text_pattern import PatternError, TextPattern, TooSlowError
from app.ui.text.transcript_text import Piece
from app.ui.utf16 import utf16_length

pytestmark = pytest.mark.unit

TEXT = "One line\nand 😀 another ONE.\n\tA last\none"


def spans(wanted: str, *, regular: bool = False, match_case: bool = False) -> list[str]:
    (found,) = TextPattern(wanted, regular, match_case).spans([TEXT])
    return [TEXT[start:end] for start, end in found]


def test_words_are_found_across_lines_whatever_their_case() -> None:
    assert spans("one") == ["One", "ONE", "one"]
    assert spans("one", match_case=True) == ["one"]
    assert spans("LAST↵one") == ["last\none"]
    assert spans("line\nand") == ["line\nand"]
    assert spans("⇥a") == ["\tA"]
    assert spans(".*") == []


def test_a_mark_that_is_written_in_the_text_is_found_as_well() -> None:
    assert TextPattern("↵").spans(["a ↵ b\n"]) == [[(2, 3), (5, 6)]]


@pytest.mark.parametrize("pattern", [r"^\w+", r"\bone\b", r"line\s+and", r"[a-z]*\.", r"(a)n?"])
def test_regular_expressions_are_those_of_python(pattern: str) -> None:
    expected = [found[0] for found in re.finditer(pattern, TEXT, re.I | re.M) if found[0]]
    assert expected
    assert spans(pattern, regular=True) == expected


def test_matches_of_nothing_are_left_out() -> None:
    assert spans(r"q*", regular=True) == []


@pytest.mark.parametrize("pattern", ["(", "[a", "*a", "a{2,1}"])
def test_a_mistake_in_an_expression_is_told(pattern: str) -> None:
    with pytest.raises(PatternError, match="at position"):
        TextPattern(pattern, regular=True).spans([TEXT])


@pytest.mark.slow
def test_an_expression_without_end_is_given_up() -> None:
    with pytest.raises(TooSlowError):
        TextPattern("(a|aa)+$", regular=True).spans(["a" * 10_000 + "!"], most_seconds=0.05)


class LateTexts(Sequence[str]):
    """Texts each of which takes some processor time until it is there."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, place: int) -> str:  # type: ignore[override]
        if place >= len(self):
            raise IndexError
        end = time.thread_time() + 0.06
        while time.thread_time() < end:
            pass
        return "one"


@pytest.mark.slow
def test_the_time_is_that_of_all_texts_together() -> None:
    found = TextPattern("o", regular=True).spans(LateTexts(), most_seconds=3600)
    assert found == [[(0, 1)]] * 3
    with pytest.raises(TooSlowError):
        TextPattern("o", regular=True).spans(LateTexts(), most_seconds=0.1)


def test_places_are_those_of_the_document() -> None:
    pieces: list[Piece] = []
    for shown, exact in show(TEXT):
        pieces.append(Piece(pieces[-1].end if pieces else 0, shown, exact))
    pieces.append(Piece(pieces[-1].end, "<|end|>", ""))
    text = SearchableText(pieces)
    assert text.text == TEXT + "<|end|>"
    document = "".join(piece.shown for piece in pieces)
    ends = [0, *accumulate(map(utf16_length, document))]
    for start in range(len(TEXT)):
        for end in range(start + 1, len(TEXT) + 1):
            first, last = (ends.index(place) for place in text.place(start, end))
            shown = document[first:last]
            assert shown.replace("↵", "").replace("⇥", "") == TEXT[start:end]
            assert shown.count("↵") == TEXT[start:end].count("\n")
    assert text.place(len(TEXT) + 1, len(TEXT) + 3) == (pieces[-1].start, pieces[-1].end)
