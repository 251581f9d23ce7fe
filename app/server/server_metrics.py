"""Counts and times of the API server, as text that Prometheus reads. They hold no prompts."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from app.server.server_events import ServerStats

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_FINISHED, _FAILED, _CANCELLED = _ENDS = ("finished", "failed", "cancelled")


@dataclass(slots=True)
class _Histogram:
    """Durations, counted by upper bounds in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(_BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(_BOUNDS, seconds)] += 1
        self.total += seconds

    def lines(self, name: str) -> Iterator[str]:
        below = 0
        for bound, count in zip((*map(str, _BOUNDS), "+Inf"), self.counts, strict=True):
            below += count
            yield f'{name}_bucket{{le="{bound}"}} {below}'
        yield f"{name}_sum {self.total:.6f}"
        yield f"{name}_count {below}"


@dataclass(slots=True)
class _Counts:
    """What is counted of generations.

    Attributes:
        active: Generations that have not ended.
        ended: Ended generations, by how they ended.
        prompt_tokens: Tokens of prompts.
        cached_tokens: Tokens of prompts that had been read before.
        first_token: Times to the first token.
        durations: Times to the end.
    """

    active: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    cached_tokens: int = 0
    first_token: _Histogram = field(default_factory=_Histogram)
    durations: _Histogram = field(default_factory=_Histogram)


class GenerationTimes:
    """The times of one generation, which are counted as they come.

    Args:
        counts: The counts of the server.
        clock: Returns seconds.
    """

    def __init__(self, counts: _Counts, clock: Callable[[], float]) -> None:
        self._counts = counts
        self._clock = clock
        self._started = clock()
        self._has_token = False
        self._prompt_tokens = 0
        self._outcome = _CANCELLED
        counts.active += 1

    def add_prompt(self, tokens: int) -> None:
        """Note the tokens of the prompt, which count unless it cannot be read."""
        self._prompt_tokens = tokens

    def add_token(self) -> None:
        """Note a token, whose time counts if it is the first."""
        if not self._has_token:
            self._has_token = True
            self._counts.first_token.add(self._clock() - self._started)

    def finish(self, cached_tokens: int) -> None:
        """Note that the generation has come to its end."""
        self._outcome = _FINISHED
        self._counts.cached_tokens += cached_tokens

    def fail(self) -> None:
        """Note an error."""
        self._outcome = _FAILED
        if not self._has_token:
            self._prompt_tokens = 0

    def close(self) -> None:
        """End the times; what neither finished nor failed was cancelled."""
        self._counts.active -= 1
        self._counts.ended[self._outcome] += 1
        self._counts.prompt_tokens += self._prompt_tokens
        self._counts.durations.add(self._clock() - self._started)


class Metrics:
    """The metrics of one server.

    Args:
        clock: Returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._counts = _Counts()

    def begin(self) -> GenerationTimes:
        """Start the times of one generation, which may have to wait."""
        return GenerationTimes(self._counts, self._clock)

    def text(self, stats: ServerStats) -> str:
        """All metrics in the text format of Prometheus."""
        counts, waiting = self._counts, stats.waiting
        running = max(0, counts.active - waiting)
        by_end = [
            f'tuneshift_generations_total{{outcome="{end}"}} {counts.ended[end]}' for end in _ENDS
        ]
        lines = [
            *_counter("requests_total", "Requests for completions.", stats.requests),
            *_head("generations_total", "Ended generations, by how they ended.", "counter"),
            *by_end,
            *_counter("prompt_tokens_total", "Tokens of prompts.", counts.prompt_tokens),
            *_counter(
                "cached_prompt_tokens_total",
                "Tokens of prompts that had been read before.",
                counts.cached_tokens,
            ),
            *_counter("generated_tokens_total", "Generated tokens.", stats.tokens),
            *_gauge("generations_waiting", "Generations in the queue.", waiting),
            *_gauge("generations_running", "Generations that are being computed.", running),
            *_histogram(
                "time_to_first_token_seconds",
                "Time from a request to the first token, the queue included.",
                counts.first_token,
            ),
            *_histogram(
                "generation_seconds",
                "Time from a request to the end of a generation, the queue included.",
                counts.durations,
            ),
        ]
        return "\n".join(lines) + "\n"


def _counter(name: str, meaning: str, value: float) -> list[str]:
    return [*_head(name, meaning, "counter"), f"tuneshift_{name} {value}"]


def _gauge(name: str, meaning: str, value: float) -> list[str]:
    return [*_head(name, meaning, "gauge"), f"tuneshift_{name} {value}"]


def _histogram(name: str, meaning: str, values: _Histogram) -> list[str]:
    return [*_head(name, meaning, "histogram"), *values.lines(f"tuneshift_{name}")]


def _head(name: str, meaning: str, kind: str) -> list[str]:
    return [f"# HELP tuneshift_{name} {meaning}", f"# TYPE tuneshift_{name} {kind}"]
