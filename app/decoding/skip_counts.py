"""Counts of the forward passes that a policy of alpha has saved. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SkipCounts:
    """What a run has skipped.

    Attributes:
        tokens: Number of sampled tokens.
        skipped: Of these, how many were sampled from the base alone.
        passes: Forward passes of pairs that were not made at their token.
        caught_up: Tokens that pairs read later, in a block with the token that needed them; each
            model counts its own.
    """

    tokens: int = 0
    skipped: int = 0
    passes: int = 0
    caught_up: int = 0

    def __str__(self) -> str:
        return (
            f"{self.skipped:,} of {self.tokens:,} tokens without pairs, {self.passes:,} forward "
            f"passes skipped, {self.caught_up:,} tokens read later in blocks"
        )
