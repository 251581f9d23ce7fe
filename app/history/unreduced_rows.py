"""Full rows of tokens that the history has written without their candidates.

Reducing rows takes Python's lock, for which the decoding thread waits. The history therefore writes
a token at once, and finds its candidates when no run is active, or when many rows wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from app.attribution.candidates import keep_candidates_of
from app.decoding.types import RoleLogits
from app.history.write_queue import CandidatesFound, TokenAdded

MOST_BYTES = 64 * 2**20
"""Bytes of rows above which candidates are found although a run is active."""


class UnreducedRows:
    """The tokens whose rows wait to be reduced, in the order in which they were written."""

    def __init__(self, waiting: Iterable[TokenAdded] = ()) -> None:
        self._waiting = {(item.run_id, item.token.index): item for item in waiting}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __iter__(self) -> Iterator[TokenAdded]:
        return iter(self._waiting.values())

    @property
    def nbytes(self) -> int:
        return sum(item.rows.nbytes for item in self if isinstance(item.rows, RoleLogits))

    def add(self, item: TokenAdded) -> None:
        """Keep the rows of a token."""
        self._waiting[item.run_id, item.token.index] = item

    def discard(self, run_id: str, index: int) -> None:
        """Forget the rows of a token, whose candidates are written."""
        self._waiting.pop((run_id, index), None)

    def take(self, run_id: str, first: int) -> list[TokenAdded]:
        """Remove and return the tokens of a run from index ``first`` on."""
        places = [key for key in self._waiting if key[0] == run_id and key[1] >= first]
        return [self._waiting.pop(key) for key in places]


def find_candidates(items: Iterable[TokenAdded]) -> list[CandidatesFound]:
    """Reduce the rows of tokens to candidates, and pass them on."""
    return [
        found for _, alike in groupby(items, key=_reduction_key) for found in _reduced(list(alike))
    ]


def _reduction_key(item: TokenAdded) -> tuple[int, tuple[float, ...]]:
    """The grouping key of tokens that can be reduced together."""
    size = len(item.rows.base) if isinstance(item.rows, RoleLogits) else 0
    return size, item.token.alphas


def _reduced(items: list[TokenAdded]) -> Iterator[CandidatesFound]:
    full = [item for item in items if isinstance(item.rows, RoleLogits)]
    rows = [item.rows for item in full if isinstance(item.rows, RoleLogits)]
    ids = [item.token.token_id for item in full]
    kept = keep_candidates_of(rows, items[0].token.alphas, ids)
    for item, candidates in zip(full, kept, strict=True):
        if item.on_candidates:
            item.on_candidates(candidates)
        yield CandidatesFound(item.run_id, item.token.index, candidates)
