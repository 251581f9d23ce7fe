"""The clock of a run."""

from __future__ import annotations

import time

import psutil

from app.decoding.capture_stats import CaptureStats
from app.decoding.remote import EndpointUsage
from app.decoding.skip_counts import SkipCounts
from app.decoding.speculation_stats import SpeculationStats
from app.engine.events import RunStats


class RunClock:
    """Measures a run; the time until the first token counts as prefill."""

    def __init__(self) -> None:
        self._started = self._last = time.perf_counter()
        self._first: float | None = None
        self._tokens = 0

    def tick(self) -> None:
        """Note a token."""
        self._last = time.perf_counter()
        if self._first is None:
            self._first = self._last
        self._tokens += 1

    def stats(
        self,
        speculation: SpeculationStats | None,
        endpoint_usage: EndpointUsage | None,
        captures: CaptureStats,
        cached_tokens: int,
        skipped: SkipCounts | None = None,
    ) -> RunStats:
        """Speed and memory of the run so far."""
        first = self._last if self._first is None else self._first
        decoding = self._last - first
        return RunStats(
            tokens=self._tokens,
            prefill_seconds=first - self._started,
            tokens_per_second=(self._tokens - 1) / decoding if decoding > 0 else None,
            resident_bytes=int(psutil.Process().memory_info().rss),
            speculation=speculation,
            endpoint_usage=endpoint_usage,
            captures=captures,
            cached_tokens=cached_tokens,
            skipped=skipped,
        )
