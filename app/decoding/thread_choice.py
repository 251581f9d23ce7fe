"""How many of the processor's threads compute a block of tokens: as many as are fastest."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import torch

_SAMPLES = 3
"""Times that are compared; more would be old ones, from before another program began."""
_PROBE_EVERY = 32
"""Once settled, one of so many blocks is computed with half or twice the threads."""
_GAIN = 0.95
"""Another number of threads has to take no more than this share of the time."""


class ThreadChoice:
    """Learns for one model, from the blocks that it reads, how many threads pay.

    Threads wait for each other after every operation, and of a small model, a short block or beside
    another busy program that costs more than they save. From all threads on, half as many are tried
    for as long as that is faster; later, now and then, half and twice as many.

    Args:
        most: The most threads, by default torch's own number; with 1 there is nothing to choose.
        clock: Tells seconds.
    """

    def __init__(self, most: int = 0, clock: Callable[[], float] = time.perf_counter) -> None:
        self._most = most or (torch.get_num_threads() if _may_change() else 1)
        self._clock = clock
        self._searches: dict[int, _Search] = {}

    @contextmanager
    def for_block(self, tokens: int) -> Iterator[None]:
        """Use the best number of threads for a block of so many tokens, and learn from it."""
        if self._most == 1:
            yield
            return
        search = self._searches.setdefault(tokens.bit_length(), _Search(self._most))
        threads, before = search.next(), torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            begun = self._clock()
            yield
            search.record(threads, self._clock() - begun)
        finally:
            torch.set_num_threads(before)


def _may_change() -> bool:
    """Whether this torch can change its number of threads once it has begun to use them."""
    return "parallel backend: OpenMP" in torch.__config__.parallel_info()


class _Search:
    """The search for one size of blocks: half the threads, as long as that is faster."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._best = most
        self._candidate = most // 2
        self._settled = False
        self._doubled = False
        self._blocks = 0
        self._times: dict[int, deque[float]] = {}

    def next(self) -> int:
        """The number of threads for the next block."""
        self._blocks += 1
        every = _PROBE_EVERY if self._settled else 2
        return self._candidate if self._blocks % every == 0 else self._best

    def record(self, threads: int, seconds: float) -> None:
        """A block took so long with so many threads."""
        self._times.setdefault(threads, deque(maxlen=_SAMPLES)).append(seconds)
        if threads != self._candidate or len(self._times[threads]) < _SAMPLES:
            return
        faster = median(self._times[self._candidate]) < _GAIN * median(self._times[self._best])
        if faster:
            self._best = self._candidate
        self._settled = self._settled or not faster or self._best == 1
        self._candidate = self._next_candidate()
        self._times.pop(self._candidate, None)  # what was so long ago counts no more

    def _next_candidate(self) -> int:
        """What to try next: once settled, half and twice the best in turn."""
        self._doubled = self._settled and not self._doubled
        wanted = self._best * 2 if self._doubled else self._best // 2
        if 1 <= wanted <= self._most:
            return wanted
        return self._best * 2 if self._best == 1 else self._best // 2
