"""The queue of the history writer. Adding an item neither blocks nor fails.

Memory is bounded even if the disk is slow. A token arrives with its full rows, up to two megabytes.
Above :data:`MAX_ROW_BYTES` of waiting rows, the rows of a new token are reduced to candidates
before they are queued, which costs the caller some milliseconds and loses nothing. Above
:data:`MAX_CANDIDATES` waiting tokens, which takes minutes of a blocked disk, candidates are reduced
to the top candidate of each role. The token itself with its attribution is always kept. What the
writer has taken has a bound of its own (``unreduced_rows``).
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
from app.history.records import Ending, NewRun, RunModels
from app.history.run_edits import RunsEdited

MAX_ROW_BYTES = 64 * 2**20
MAX_CANDIDATES = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class RunDescribed:
    """The models of a run are loaded and its prompt is encoded."""

    run_id: str
    models: RunModels


@dataclass(frozen=True, slots=True, eq=False)
class TokenAdded:
    """A token of a run, with its full rows or candidates."""

    run_id: str
    token: ExplainedToken
    rows: RoleLogits | CandidateRows
    on_candidates: Callable[[CandidateRows], None] | None = None
    """Called with the candidates on the writer's thread."""


@dataclass(frozen=True, slots=True, eq=False)
class CandidatesFound:
    """The rows of a token, which is written already, were reduced to candidates."""

    run_id: str
    index: int
    rows: CandidateRows


@dataclass(frozen=True, slots=True, eq=False)
class RunEnded:
    """A run has ended; it may be continued later."""

    run_id: str
    ending: Ending


@dataclass(frozen=True, slots=True, eq=False)
class RunRenamed:
    """A run has another title."""

    run_id: str
    title: str


@dataclass(frozen=True, slots=True, eq=False)
class RunBookmarked:
    """The bookmarks of a run changed: the indices of all tokens that have one."""

    run_id: str
    bookmarks: frozenset[int]


@dataclass(slots=True, eq=False)
class Flush:
    """A request to write everything before it.

    Attributes:
        done: Set when the write has been attempted.
        written: Whether the write succeeded.
    """

    done: Event
    written: bool = False


Item = (
    NewRun
    | RunDescribed
    | TokenAdded
    | CandidatesFound
    | RunEnded
    | RunRenamed
    | RunBookmarked
    | RunsEdited
    | Flush
)


class WriteQueue:
    """A queue from any number of threads to the writer's thread."""

    def __init__(
        self, max_row_bytes: int = MAX_ROW_BYTES, max_candidates: int = MAX_CANDIDATES
    ) -> None:
        self._max_row_bytes = max_row_bytes
        self._max_candidates = max_candidates
        self._items: deque[Item] = deque()
        self._changed = Condition()
        self._row_bytes = 0
        self._candidates = 0
        self._urgent = False
        self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def idle(self) -> bool:
        """Whether nothing waits and more may come."""
        return not self._items and not self._closed

    def put(self, item: Item) -> bool:
        """Add ``item``; returns whether it was added, which is False after :meth:`close`."""
        if isinstance(item, TokenAdded):
            item = self._bounded(item)
        with self._changed:
            if self._closed:
                return False
            self._items.append(item)
            if isinstance(item, TokenAdded):
                self._count(item)
            else:
                self._urgent = True
            if self._urgent or len(self._items) == 1:  # avoids waking the writer for every token
                self._changed.notify()
        return True

    def take(self, batch_seconds: float, patience: float | None = None) -> list[Item]:
        """Wait for items, at most ``patience`` seconds if given, and return all of them.

        If there are only tokens, wait up to ``batch_seconds`` for more. Returns an empty list if
        nothing came, and once the queue is closed and empty.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._items or self._closed, patience):
                return []
            end = monotonic() + batch_seconds
            while not (self._urgent or self._closed) and (left := end - monotonic()) > 0:
                self._changed.wait(left)
            taken = list(self._items)
            self._items.clear()
            self._row_bytes = self._candidates = 0
            self._urgent = False
        return taken

    def close(self) -> None:
        """Reject new items; queued items can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _bounded(self, item: TokenAdded) -> TokenAdded:
        if isinstance(item.rows, CandidateRows) or self._row_bytes < self._max_row_bytes:
            return item
        fewest = (1, 1) if self._candidates >= self._max_candidates else ()
        token = item.token
        rows = keep_candidates(item.rows, token.alphas, token.token_id, *fewest)
        return replace(item, rows=rows)

    def _count(self, item: TokenAdded) -> None:
        if isinstance(item.rows, RoleLogits):
            self._row_bytes += item.rows.nbytes
        else:
            self._candidates += 1
