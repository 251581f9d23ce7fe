"""Queries for tokens, against a check of each token by itself."""

from __future__ import annotations

import math

import pytest

from app.attribution.explained_token import ExplainedToken
from app.attribution.token_query import (
    Criterion,
    QueriedTokens,
    TextClass,
    TokenQuery,
    classes_of_token,
    find_tokens,
)
from tests.attribution.test_series import invented, series_of

TEXTS = ("Once", " upon", "\n", "", " 한", "글", " 42", ".", "<|im_end|>", "  ", " time", "s")
LABELS = {3: "⟨ED 95⟩"}
PAIRS = ("one", "two")


def asked(pairs: int = 2, bookmarks: tuple[int, ...] = ()) -> QueriedTokens:
    attributions = invented(len(TEXTS), pairs)
    tokens, start = [], 0
    for index, (text, one) in enumerate(zip(TEXTS, attributions, strict=True)):
        tokens.append(
            ExplainedToken(index, 10 + index % 5, text, start, (0.8, -0.5)[:pairs], 0.5, one)
        )
        start += len(text)
    return QueriedTokens(
        tokens, series_of(attributions), lambda i: LABELS.get(i, "#"), PAIRS[:pairs], bookmarks
    )


def found(query: TokenQuery) -> list[int]:
    return find_tokens(query, asked())


def test_by_id_and_by_bookmark() -> None:
    assert found(TokenQuery(Criterion.ID, 12)) == [2, 7]
    assert found(TokenQuery(Criterion.ID, 99)) == []
    marked = asked(bookmarks=(7, 1, 99))
    assert find_tokens(TokenQuery(Criterion.BOOKMARK), marked) == [1, 7]


@pytest.mark.parametrize("least", [0.0, 0.5, 2.0])
def test_by_rank_shift_and_flip(least: float) -> None:
    tokens = [token.attribution for token in asked().tokens]
    shifts = [(one.logprob_tuned - one.logprob_base) / math.log(2) for one in tokens]
    for criterion, matches in (
        (Criterion.RANK, [one.rank_base > least for one in tokens]),
        (Criterion.TUNED_RANK, [one.rank_tuned > least for one in tokens]),
        (Criterion.RAISED, [shift >= least for shift in shifts]),
        (Criterion.LOWERED, [-shift >= least for shift in shifts]),
        (Criterion.FLIP, [one.argmax_base != one.argmax_tuned for one in tokens]),
    ):
        assert any(matches)
        assert found(TokenQuery(criterion, least)) == [i for i, yes in enumerate(matches) if yes]


def test_by_the_pair_that_did_most() -> None:
    parts = [token.attribution.contributions for token in asked().tokens]
    raised = [i for i, (one, two) in enumerate(parts) if two > max(one, 0)]
    lowered = [i for i, (one, two) in enumerate(parts) if two < min(one, 0)]
    assert raised
    assert lowered
    assert found(TokenQuery(Criterion.RAISED_BY, pair="two")) == raised
    assert found(TokenQuery(Criterion.LOWERED_BY, pair="two")) == lowered
    assert found(TokenQuery(Criterion.RAISED_BY, pair="of another recipe")) == []


def test_a_text_of_one_role_has_no_shifts() -> None:
    alone = asked(pairs=0)
    for criterion in (
        Criterion.RAISED,
        Criterion.FLIP,
        Criterion.RAISED_BY,
        Criterion.TUNED_RANK,
    ):
        assert find_tokens(TokenQuery(criterion, 0), alone) == []
    assert find_tokens(TokenQuery(Criterion.RANK, 0), alone) == list(range(len(TEXTS)))


@pytest.mark.parametrize(
    ("text_class", "places"),
    [
        (TextClass.SPECIAL, [8]),
        (TextClass.WHITESPACE, [2, 9]),
        (TextClass.LINE_BREAK, [2]),
        (TextClass.DIGITS, [6]),
        (TextClass.WORD_START, [0, 1, 4, 6, 10]),
        (TextClass.WORD_INSIDE, [5, 11]),
        (TextClass.PUNCTUATION, [7]),
        (TextClass.NOT_ASCII, [4, 5]),
        (TextClass.PART, [3]),
    ],
)
def test_by_class(text_class: TextClass, places: list[int]) -> None:
    assert found(TokenQuery(Criterion.CLASS, text_class=text_class)) == places


@pytest.mark.parametrize(
    "text", ["<s>", "</s>", "<|endoftext|>", "<unused7>", "[INST]", "<｜end▁of｜>"]
)
def test_special_tokens_are_told_by_how_they_are_written(text: str) -> None:
    assert classes_of_token(text, text, "a") == {TextClass.SPECIAL}


@pytest.mark.parametrize("text", ["<", "[a]", "x<y>", " < b"])
def test_brackets_in_a_text_are_no_special_tokens(text: str) -> None:
    assert TextClass.SPECIAL not in classes_of_token(text, text, "a")
