"""Chooses the number of CPU threads that computes a block of tokens fastest."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from statistics import median

import torch

_SAMPLES = 3
"""Number of recent times that are compared; older ones may predate a change of the load."""
_SEARCH_EVERY = 2
"""During the search, and after a change, one block in so many is computed with another number."""
_PROBE_EVERY = 32
"""After the search, one block in so many is, at first: with half or twice the threads."""
_RAREST_PROBE = 128
"""At most so many blocks are between two of them, while no other number is faster."""
_SLOWER = 1.5
"""If the times of the best number have grown so much, the others are tried more often again."""
_GAIN = 0.95
"""Another number of threads is adopted if it takes at most this fraction of the time."""


class ThreadChoice:
    """Chooses for one model and each block size the fastest number of threads, by measuring.

    Threads synchronise after every operation. For small models, short blocks, or beside another
    busy program, that costs more than the threads save. Beginning with all threads, the number is
    halved as long as that is faster; later, half and twice the number are tried from time to time,
    and more rarely the longer neither is faster. The number before a change is tried again at once,
    since other programs disturb single times.

    Args:
        most: Maximum number of threads, by default torch's own number; 1 leaves no choice.
        clock: Returns seconds.
        using: Enters a context in which that many threads compute; by default torch's.
    """

    def __init__(
        self,
        most: int = 0,
        clock: Callable[[], float] = time.perf_counter,
        using: Callable[[int], AbstractContextManager[None]] | None = None,
    ) -> None:
        self._most = most or (torch.get_num_threads() if _may_change() else 1)
        self._clock = clock
        self._using = using or _torch_threads
        self._searches: dict[int, _Search] = {}

    @contextmanager
    def for_block(self, tokens: int) -> Iterator[None]:
        """Run a block of ``tokens`` tokens with the chosen number of threads, and time it."""
        if self._most == 1:
            yield
            return
        search = self._searches.setdefault(tokens.bit_length(), _Search(self._most))
        threads = search.next_count()
        with self._using(threads):
            begun = self._clock()
            yield
            search.record(threads, self._clock() - begun)


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _may_change() -> bool:
    """Whether this build of torch can change its number of threads after the first use."""
    return "parallel backend: OpenMP" in torch.__config__.parallel_info()


class _Search:
    """The search for the fastest number of threads for one class of block sizes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._best = most
        self._candidate = most // 2
        self._settled = False
        self._doubled = False
        self._every = _SEARCH_EVERY
        self._seconds = float("inf")  # of the best number, when it was last compared
        self._blocks = 0
        self._times: dict[int, deque[float]] = {}

    def next_count(self) -> int:
        """The number of threads for the next block."""
        self._blocks += 1
        return self._candidate if self._blocks % self._every == 0 else self._best

    def record(self, threads: int, seconds: float) -> None:
        """Record the time of a block; decide on the candidate once it has enough of them."""
        self._times.setdefault(threads, deque(maxlen=_SAMPLES)).append(seconds)
        if len(self._times[threads]) < _SAMPLES:
            return
        if threads == self._best and median(self._times[threads]) > _SLOWER * self._seconds:
            self._seconds = median(self._times[threads])
            self._every = min(self._every, _PROBE_EVERY)
        if threads == self._candidate:
            self._compare()

    def _compare(self) -> None:
        """Keep the best number or adopt the candidate, and choose the next candidate."""
        tried, best = median(self._times[self._candidate]), median(self._times[self._best])
        faster = tried < _GAIN * best
        self._seconds = tried if faster else best
        self._every = self._next_interval(faster)
        if faster:
            self._best = self._candidate
        self._settled = self._settled or not faster or self._best == 1
        self._candidate = self._next_candidate()
        self._times.pop(self._candidate, None)  # its earlier times are outdated

    def _next_interval(self, faster: bool) -> int:
        if faster:
            return _SEARCH_EVERY
        return min(max(2 * self._every, _PROBE_EVERY), _RAREST_PROBE)

    def _next_candidate(self) -> int:
        """The next number to try: half the best, and after the search half and twice in turn."""
        self._doubled = self._settled and not self._doubled
        wanted = self._best * 2 if self._doubled else self._best // 2
        if 1 <= wanted <= self._most:
            return wanted
        return self._best * 2 if self._best == 1 else self._best // 2
