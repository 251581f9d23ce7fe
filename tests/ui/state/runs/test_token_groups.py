"""Tests of the division of tokens into words, sentences and lines."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.ui.state.runs.token_groups import Grouping, TokenGroups

KINDS = [Grouping.WORD, Grouping.SENTENCE, Grouping.LINE]


def grouped(kind: Grouping, tokens: list[str]) -> list[str]:
    """The texts of all groups."""
    groups = TokenGroups(kind)
    groups.extend(tokens)
    ends = [*groups.starts, len(tokens)][1:]
    return ["".join(tokens[a:b]) for a, b in zip(groups.starts, ends, strict=True)]


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (["Once", " upon", " a", " time", "."], ["Once", " upon", " a", " time", "."]),
        (["un", "believ", "able", " don", "'", "t"], ["unbelievable", " don't"]),
        ([" 4", "2", ".", "5", " kg"], [" 42.5", " kg"]),
        (["the ", "king ", "said"], ["the ", "king ", "said"]),
        (["a", " ", "  ", "b", "\n", "c"], ["a", "   b", "\n", "c"]),
        (["a", " \n", "b"], ["a", " \n", "b"]),
        (["한", "국", "어를", " 좋", "아"], ["한국어를", " 좋아"]),
        (["漢", "字"], ["漢", "字"]),
        (["e", "\u0301", "x"], ["e\u0301x"]),
        (["👩", "\u200d", "👧", " 🇰", "🇷"], ["👩\u200d👧", " 🇰🇷"]),
        (["", "", "€", " x"], ["€", " x"]),
        (["", "한", "", "국"], ["한국"]),
        (["x", "", ""], ["x", ""]),
        ([" ", " "], ["  "]),
        ([], []),
    ],
)
def test_words(tokens: list[str], words: list[str]) -> None:
    assert grouped(Grouping.WORD, tokens) == words


def test_sentences_include_their_end_but_not_the_next_space() -> None:
    tokens = ["He", " said", " 3", ".", "5", "!", " “", "Go", ".”", " She", " went"]
    expected = ["He said 3.5!", " “Go.”", " She went"]
    assert grouped(Grouping.SENTENCE, tokens) == expected


def test_korean_sentences() -> None:
    assert grouped(Grouping.SENTENCE, ["안녕", "하세요", ".", " 반갑", "습니다", "."]) == [
        "안녕하세요.",
        " 반갑습니다.",
    ]


def test_lines_include_their_line_break() -> None:
    tokens = ["a", " b", "\n", "c", "\r", "\n", "\n\n", "\n    ", "d", ".\n", "e"]
    assert grouped(Grouping.LINE, tokens) == ["a b\n", "c\r\n", "\n\n", "\n    ", "d.\n", "e"]


pieces = st.one_of(
    st.sampled_from(
        ["", " ", "\n", "a", "b", "'", "1", ".", ",", "!", "\r", "\t", "”", "A", "\u2029"]
    ),
    st.sampled_from("한국漢字か\u0e01א👩👧🏽🇰🇷\u200d\u0301\u200b\ufffd"),
    st.sampled_from(["ภาษา", "ไทย", "สวัส", "ดี", "ครับ", "\u0e33", "\u0e40", "+\u0e01"]),
    st.text(max_size=5),
)
texts = st.lists(st.lists(pieces, max_size=3).map("".join), max_size=30)


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(Grouping))
@given(tokens=texts)
def test_groups_partition_the_tokens(kind: Grouping, tokens: list[str]) -> None:
    groups = TokenGroups(kind)
    groups.extend(tokens)
    assert groups.count == len(tokens)
    assert groups.starts == sorted(set(groups.starts))
    ranges = [groups.range_of(index) for index in range(len(tokens))]
    assert all(first <= index < end for index, (first, end) in enumerate(ranges))
    assert [index for first, end in sorted(set(ranges)) for index in range(first, end)] == list(
        range(len(tokens))
    )
    assert "".join(grouped(kind, tokens)) == "".join(tokens)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@given(tokens=texts, sizes=st.lists(st.integers(1, 4), min_size=30, max_size=30))
@example(tokens=["\u0e01+", "\n", "'", "", " "], sizes=[1] * 5)
def test_groups_of_a_stream_equal_those_of_the_whole_text(
    kind: Grouping, tokens: list[str], sizes: list[int]
) -> None:
    whole, streamed = TokenGroups(kind), TokenGroups(kind)
    whole.extend(tokens)
    rest = list(tokens)
    for size in sizes:
        streamed.extend(rest[:size])
        rest = rest[size:]
    assert streamed.starts == whole.starts


@given(tokens=texts)
def test_no_line_continues_after_a_line_break_and_a_letter(tokens: list[str]) -> None:
    """Oracle for one-character tokens: split after each line break."""
    characters = list("".join(tokens))
    lines = "".join(characters).splitlines(keepends=True)
    assert grouped(Grouping.LINE, characters) == lines
