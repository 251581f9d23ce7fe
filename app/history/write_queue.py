"""What waits to be written. Putting something in never waits and never fails.

How memory is bounded, whatever the disk does. A token brings full rows, up to two megabytes. They
wait as they are; above :data:`MOST_ROW_BYTES` the rows of a token are reduced to its candidates
where it is put in, which costs the caller some milliseconds and loses nothing. Above
:data:`MOST_CANDIDATES`, which only a disk that hangs for minutes leads to, the candidates of a
token are reduced to the first choices of every role. Its numbers are always kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Condition, Event
from time import monotonic

from app.attribution.candidates import CandidateRows, keep_candidates
from app.attribution.explained_token import ExplainedToken
from app.decoding.types import RoleLogits
from app.history.records import Ending, InForce, NewRun

MOST_ROW_BYTES = 64 * 2**20
MOST_CANDIDATES = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """What is in force for a run is known."""

    run_id: str
    in_force: InForce


@dataclass(frozen=True, slots=True, eq=False)
class Added:
    """A token of a run, with the rows or candidates that are to be kept of it."""

    run_id: str
    token: ExplainedToken
    rows: RoleLogits | CandidateRows
    reduced: Callable[[CandidateRows], None] | None = None
    """Told the candidates once they are found, on the writer's thread."""


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """A run has ended, at least for now."""

    run_id: str
    ending: Ending


@dataclass(slots=True, eq=False)
class Flush:
    """Somebody waits until everything before this is written.

    Attributes:
        done: Set when that was tried.
        written: Whether it is.
    """

    done: Event
    written: bool = False


Item = NewRun | Described | Added | Finished | Flush


class Inbox:
    """A queue from any threads to the one that writes."""

    def __init__(
        self, most_row_bytes: int = MOST_ROW_BYTES, most_candidates: int = MOST_CANDIDATES
    ) -> None:
        self._most_row_bytes = most_row_bytes
        self._most_candidates = most_candidates
        self._items: deque[Item] = deque()
        self._changed = Condition()
        self._row_bytes = 0
        self._candidates = 0
        self._urgent = False
        self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    def put(self, item: Item) -> bool:
        """Add ``item``; whether it was: after :meth:`close` nothing is."""
        if isinstance(item, Added):
            item = self._bounded(item)
        with self._changed:
            if self._closed:
                return False
            self._items.append(item)
            if isinstance(item, Added):
                self._count(item)
            else:
                self._urgent = True
            if self._urgent or len(self._items) == 1:  # or it would wake for every token
                self._changed.notify()
        return True

    def take(self, batch_seconds: float) -> list[Item]:
        """Wait for items and take all; tokens alone wait for company, at most ``batch_seconds``.

        Returns nothing once the inbox is closed and empty.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed)
            end = monotonic() + batch_seconds
            while not (self._urgent or self._closed) and (left := end - monotonic()) > 0:
                self._changed.wait(left)
            taken = list(self._items)
            self._items.clear()
            self._row_bytes = self._candidates = 0
            self._urgent = False
        return taken

    def close(self) -> None:
        """Take nothing more; what is in it can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _bounded(self, item: Added) -> Added:
        if isinstance(item.rows, CandidateRows) or self._row_bytes < self._most_row_bytes:
            return item
        fewest = (1, 1) if self._candidates >= self._most_candidates else ()
        token = item.token
        rows = keep_candidates(item.rows, token.alphas, token.token_id, *fewest)
        return replace(item, rows=rows)

    def _count(self, item: Added) -> None:
        if isinstance(item.rows, RoleLogits):
            self._row_bytes += item.rows.nbytes
        else:
            self._candidates += 1
