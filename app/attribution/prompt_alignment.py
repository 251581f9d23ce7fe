"""Alignment of the prompts of several roles: one row for each token, side by side."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from app.attribution.sequence_alignment import align

AlignedRow = tuple[int | None, ...]
"""The position of a token in each prompt; None where a prompt has no token in this row."""


def align_prompts(prompts: Sequence[Sequence[Hashable]]) -> list[AlignedRow]:
    """Align the tokens of several prompts with those of the longest one; equal ones share rows.

    Where two prompts have different tokens between the same neighbours, these share rows.
    """
    if not prompts:
        return []
    longest = max(range(len(prompts)), key=lambda place: len(prompts[place]))
    length = len(prompts[longest])
    rows: list[list[int | None]] = [[None] * len(prompts) for _ in range(length)]
    extra: list[list[list[int | None]]] = [[] for _ in range(length + 1)]  # before each row
    for column, prompt in enumerate(prompts):
        blocks = align(prompts[longest], prompt)
        start = begin = 0  # after the last block in the longest prompt, and in this one
        for place, match, size in (
            *((block.first, block.second, block.size) for block in blocks),
            (length, len(prompt), 0),
        ):
            for at in range(match - begin):
                if start + at < place:
                    rows[start + at][column] = begin + at
                    continue
                beyond = start + at - place
                if beyond == len(extra[place]):
                    extra[place].append([None] * len(prompts))
                extra[place][beyond][column] = begin + at
            for at in range(size):
                rows[place + at][column] = match + at
            start, begin = place + size, match + size
    found: list[AlignedRow] = []
    for place in range(length + 1):
        found += (tuple(row) for row in extra[place])
        if place < length:
            found.append(tuple(rows[place]))
    return found
