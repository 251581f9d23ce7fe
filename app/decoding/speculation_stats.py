"""Counts of drafted and accepted tokens in one run. No torch: the window imports it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DraftCounts:
    """Draft counts of one drafter, or of all together.

    Attributes:
        blocks: Number of drafts.
        drafted: Number of drafted tokens.
        tested: Drafted tokens that were compared with the sampled token: up to the first mismatch.
        accepted: Drafted tokens that were equal to it.
    """

    blocks: int = 0
    drafted: int = 0
    tested: int = 0
    accepted: int = 0

    def __add__(self, other: DraftCounts) -> DraftCounts:
        return DraftCounts(
            self.blocks + other.blocks,
            self.drafted + other.drafted,
            self.tested + other.tested,
            self.accepted + other.accepted,
        )

    @property
    def acceptance(self) -> float | None:
        """The acceptance rate ``accepted / tested``, or None if nothing was tested."""
        return self.accepted / self.tested if self.tested else None

    @property
    def mean_block(self) -> float | None:
        """Mean tokens per block: the accepted ones and the one that follows them."""
        return 1 + self.accepted / self.blocks if self.blocks else None


@dataclass(frozen=True, slots=True)
class SpeculationStats:
    """Draft counts of one run.

    Attributes:
        sources: Name and counts of each drafter: a role, or prompt lookup.
        plain: Number of tokens decoded without a draft.
        unrewindable: Name of a role that cannot rewind, for which nothing was drafted; or empty.
    """

    sources: tuple[tuple[str, DraftCounts], ...] = ()
    plain: int = 0
    unrewindable: str = ""

    @property
    def total(self) -> DraftCounts:
        return sum((counts for _, counts in self.sources), DraftCounts())
