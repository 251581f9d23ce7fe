"""Counts of captured steps. No torch: the window imports it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CaptureStats:
    """What capturing steps has cost, and what came of it.

    Attributes:
        captured: Number of steps that were captured and whose first replay was compared.
        seconds: Seconds that captures and comparisons took.
        differing: A sentence for each kind of step whose replay differed from the uncaptured step,
            and which therefore runs uncaptured.
    """

    captured: int = 0
    seconds: float = 0.0
    differing: tuple[str, ...] = ()

    def __add__(self, other: CaptureStats) -> CaptureStats:
        return CaptureStats(
            self.captured + other.captured,
            self.seconds + other.seconds,
            self.differing + other.differing,
        )


NO_CAPTURES = CaptureStats()
