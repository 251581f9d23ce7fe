"""Alignment of sequences and of prompts, against difflib where it is exact and cheap."""

from __future__ import annotations

import random
from difflib import SequenceMatcher

import pytest

from app.attribution.prompt_alignment import align_prompts
from app.attribution.sequence_alignment import Block, align


def test_short_sequences_are_aligned_as_difflib_aligns_them() -> None:
    rng = random.Random(5)
    for _ in range(50):
        first = [rng.randrange(6) for _ in range(rng.randrange(12))]
        second = [rng.randrange(6) for _ in range(rng.randrange(12))]
        blocks = align(first, second)
        _check(blocks, first, second)
        matcher = SequenceMatcher(None, first, second, autojunk=False)
        expected = sum(block.size for block in matcher.get_matching_blocks())
        assert sum(block.size for block in blocks) >= expected


@pytest.mark.slow
def test_a_long_sequence_is_aligned_with_an_edited_copy() -> None:
    rng = random.Random(7)
    first = [int(3000 * rng.random() ** 3) for _ in range(4000)]
    second = [each for each in first if rng.random() > 0.05]
    for place in range(0, len(second), 40):
        second[place] = 5000 + place
    blocks = align(first, second)
    _check(blocks, first, second)
    changed = len(range(0, len(second), 40))
    assert sum(block.size for block in blocks) >= 0.98 * (len(second) - changed)


def test_a_repetitive_sequence_is_shifted() -> None:
    first = ["the", " king"] * 300
    assert align(first, ["a", *first, "b"]) == [Block(0, 1, 600)]
    head, tail = first[:300], first[300:]
    blocks = align([*head, "x", *tail], ["a", *head, "y", *tail, "b"])
    assert sum(block.size for block in blocks) == 600


def test_sequences_without_anything_in_common_have_no_blocks() -> None:
    assert align([], [1]) == []
    assert align(list(range(100)), list(range(200, 300))) == []


def _check(blocks: list[Block], first: list[int], second: list[int]) -> None:
    one = other = 0
    for block in blocks:
        assert block.size > 0
        assert block.first >= one
        assert block.second >= other
        one, other = block.first + block.size, block.second + block.size
        assert first[block.first : one] == second[block.second : other]


def test_prompts_share_rows_where_their_tokens_are_the_same() -> None:
    plain = ["the", " king"]
    chat = ["[user]", "the", " king", "[assistant]"]
    other = ["[system]", "brief", "the", " king", "[answer]"]
    assert align_prompts([plain, chat, other]) == [
        (None, 0, 0),
        (None, None, 1),
        (0, 1, 2),
        (1, 2, 3),
        (None, 3, 4),
    ]


def test_every_token_of_every_prompt_has_a_row_in_its_order() -> None:
    rng = random.Random(3)
    for _ in range(30):
        prompts = [
            [str(rng.randrange(5)) for _ in range(rng.randrange(1, 9))]
            for _ in range(rng.randrange(1, 5))
        ]
        rows = align_prompts(prompts)
        for column, prompt in enumerate(prompts):
            places = [row[column] for row in rows if row[column] is not None]
            assert places == list(range(len(prompt)))
        assert all(any(place is not None for place in row) for row in rows)
    assert align_prompts([]) == []
