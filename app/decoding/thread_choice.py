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
_PROBE_EVERY = 32
"""After the search, one block in so many is computed with half or twice the threads."""
_GAIN = 0.95
"""Another number of threads is adopted if it takes at most this fraction of the time."""


class ThreadChoice:
    """Chooses for one model and each block size the fastest number of threads, by measuring.

    Threads synchronise after every operation. For small models, short blocks, or beside another
    busy program, that costs more than the threads save. Beginning with all threads, the number is
    halved as long as that is faster; later, half and twice the number are tried from time to time.

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
        self._blocks = 0
        self._times: dict[int, deque[float]] = {}

    def next_count(self) -> int:
        """The number of threads for the next block."""
        self._blocks += 1
        every = _PROBE_EVERY if self._settled else 2
        return self._candidate if self._blocks % every == 0 else self._best

    def record(self, threads: int, seconds: float) -> None:
        """Record the time of a block; decide on the candidate once it has enough of them."""
        self._times.setdefault(threads, deque(maxlen=_SAMPLES)).append(seconds)
        if threads != self._candidate or len(self._times[threads]) < _SAMPLES:
            return
        faster = median(self._times[self._candidate]) < _GAIN * median(self._times[self._best])
        if faster:
            self._best = self._candidate
        self._settled = self._settled or not faster or self._best == 1
        self._candidate = self._next_candidate()
        self._times.pop(self._candidate, None)  # its earlier times are outdated

    def _next_candidate(self) -> int:
        """The next number to try: half the best, and after the search half and twice in turn."""
        self._doubled = self._settled and not self._doubled
        wanted = self._best * 2 if self._doubled else self._best // 2
        if 1 <= wanted <= self._most:
            return wanted
        return self._best * 2 if self._best == 1 else self._best // 2
