"""Alignment of two sequences of tokens: what both have in the same order, in nearly linear time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

_ANCHOR_LENGTHS = (6, 3, 1)
"""Lengths of the n-grams that anchor an alignment where both sequences have them exactly once."""
_MOST_CELLS = 1_024
"""Largest gap between anchors, in tokens times tokens, that is compared token by token."""
_FARTHEST = 256
"""How far a repetitive stretch without anchors may be shifted against the other one."""


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch that both sequences have: where it begins in each, and its length."""

    first: int
    second: int
    size: int


def align(first: Sequence[Hashable], second: Sequence[Hashable]) -> list[Block]:
    """The stretches that both sequences have in the same order, from left to right.

    Anchors are n-grams that occur once in each sequence, longer ones before shorter ones (patience
    diff); what lies between two anchors is compared token by token only if it is short. A long
    stretch without a common anchor is shifted as a whole to where most of its tokens are equal.
    """
    pairs = _pairs(first, second, (0, len(first)), (0, len(second)), 0)
    blocks: list[Block] = []
    for one, other in pairs:
        last = blocks[-1] if blocks else None
        if last and (one, other) == (last.first + last.size, last.second + last.size):
            blocks[-1] = Block(last.first, last.second, last.size + 1)
        else:
            blocks.append(Block(one, other, 1))
    return blocks


def _pairs(
    first: Sequence[Hashable],
    second: Sequence[Hashable],
    one: tuple[int, int],
    other: tuple[int, int],
    level: int,
) -> Iterator[tuple[int, int]]:
    """Pairs of equal places within two ranges, in their order."""
    (start, end), (begin, stop) = one, other
    while start < end and begin < stop and first[start] == second[begin]:
        yield start, begin
        start, begin = start + 1, begin + 1
    alike = 0
    while (
        end - alike > start
        and stop - alike > begin
        and first[end - 1 - alike] == second[stop - 1 - alike]
    ):
        alike += 1
    inside, within = (start, end - alike), (begin, stop - alike)
    if start < end - alike and begin < stop - alike:
        yield from _between(first, second, inside, within, level)
    yield from ((end - left, stop - left) for left in range(alike, 0, -1))


def _between(
    first: Sequence[Hashable],
    second: Sequence[Hashable],
    one: tuple[int, int],
    other: tuple[int, int],
    level: int,
) -> Iterator[tuple[int, int]]:
    """Pairs within two ranges that neither begin nor end alike."""
    (start, end), (begin, stop) = one, other
    if (end - start) * (stop - begin) <= _MOST_CELLS:
        matcher = SequenceMatcher(None, first[start:end], second[begin:stop], autojunk=False)
        for block in matcher.get_matching_blocks():
            yield from ((start + block.a + at, begin + block.b + at) for at in range(block.size))
        return
    if level == len(_ANCHOR_LENGTHS):
        yield from _shifted(first, second, one, other)
        return
    length = _ANCHOR_LENGTHS[level]
    for place, match in [*_anchors(first, second, one, other, length), (end, stop)]:
        if place < start or match < begin:
            continue  # inside the anchor before it
        yield from _pairs(first, second, (start, place), (begin, match), level + 1)
        size = min(length, end - place)
        yield from ((place + at, match + at) for at in range(size))
        start, begin = place + size, match + size


def _shifted(
    first: Sequence[Hashable],
    second: Sequence[Hashable],
    one: tuple[int, int],
    other: tuple[int, int],
) -> Iterator[tuple[int, int]]:
    """Equal places of two ranges, the second of which is shifted so that they are the most."""
    numbers: dict[Hashable, int] = {}
    here, there = (
        np.array([numbers.setdefault(each, len(numbers)) for each in part])
        for part in (first[slice(*one)], second[slice(*other)])
    )
    best = np.empty(0, np.int64)
    start = 0
    for shift in range(max(-_FARTHEST, 1 - len(here)), min(_FARTHEST, len(there) - 1) + 1):
        skipped = max(-shift, 0)
        length = min(len(here), len(there) - shift) - skipped
        if length <= len(best):
            continue
        part = there[skipped + shift : skipped + shift + length]
        equal = np.flatnonzero(here[skipped : skipped + length] == part) + skipped
        if len(equal) > len(best):
            best, start = equal, shift
    for place in best.tolist():
        yield one[0] + place, other[0] + place + start


def _anchors(
    first: Sequence[Hashable],
    second: Sequence[Hashable],
    one: tuple[int, int],
    other: tuple[int, int],
    length: int,
) -> list[tuple[int, int]]:
    """Places of n-grams that occur once in each range, in the same order in both."""
    places, matches = _once(first, *one, length), _once(second, *other, length)
    found = [
        (place, matches[gram]) for gram, place in places.items() if place >= 0 and gram in matches
    ]
    return _increasing([pair for pair in sorted(found) if pair[1] >= 0])


def _once(
    sequence: Sequence[Hashable], start: int, end: int, length: int
) -> dict[tuple[Hashable, ...], int]:
    """Where each n-gram of a range is; −1 if it occurs several times."""
    places: dict[tuple[Hashable, ...], int] = {}
    for place in range(start, end - length + 1):
        gram = tuple(sequence[place : place + length])
        places[gram] = -1 if gram in places else place
    return places


def _increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence of pairs whose second numbers increase."""
    ends: list[int] = []  # the smallest last number of a subsequence of each length
    lasts: list[int] = []  # the index of the pair with that number
    before: list[int] = []  # the index of the pair before each pair in its subsequence
    for at, (_, number) in enumerate(pairs):
        length = bisect_left(ends, number)
        before.append(lasts[length - 1] if length else -1)
        if length == len(ends):
            ends.append(number)
            lasts.append(at)
        else:
            ends[length], lasts[length] = number, at
    found: list[tuple[int, int]] = []
    at = lasts[-1] if lasts else -1
    while at >= 0:
        found.append(pairs[at])
        at = before[at]
    return found[::-1]
