"""PromptLookup drafts against a search by brute force."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.decoding.prompt_lookup import Match, PromptLookup

texts = st.lists(st.integers(0, 2), min_size=1, max_size=40)


def longest(ids: list[int]) -> int:
    """The most ids at the end that stand before another place as well; fewer than 2 are none."""
    lengths = (
        n
        for n in range(2, 17)
        for end in range(n, len(ids))
        if ids[end - n : end] == ids[len(ids) - n :]
    )
    return max(lengths, default=0)


@given(first=texts, then=texts)
def test_the_longest_of_the_latest_matches_is_found(first: list[int], then: list[int]) -> None:
    ids = [*first]
    lookup = PromptLookup(ids)
    for token_id in [None, *then]:  # the text grows and the index with it
        if token_id is not None:
            ids.append(token_id)
        match = lookup.match()
        if match is None:
            assert longest(ids) == 0
            continue
        assert ids[match.end - match.length : match.end] == ids[len(ids) - match.length :]
        assert match.end < len(ids)
        places = [e for e in range(2, len(ids)) if ids[e - 2 : e] == ids[-2:]]
        if len(places) <= 8:
            assert match.length == longest(ids)


def test_a_draft_is_what_followed_and_a_period_goes_on() -> None:
    lookup = PromptLookup([1, 2, 3, 4, 5, 1, 2])
    match = lookup.match()
    assert match == Match(end=2, length=2)
    assert lookup.draft(match, 3) == [3, 4, 5]
    assert lookup.draft(match, 12) == [3, 4, 5, 1, 2] * 2 + [3, 4]
    assert PromptLookup([7, 7, 7]).draft(Match(2, 2), 4) == [7, 7, 7, 7]


def test_short_texts_match_nothing() -> None:
    assert PromptLookup([]).match() is None
    assert PromptLookup([1]).match() is None
    assert PromptLookup([1, 1]).match() is None
