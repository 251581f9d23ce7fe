"""What drafts brought in one text. Imports no torch: the window uses it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DraftCounts:
    """Drafts of one source, or of all.

    Attributes:
        blocks: How many drafts there were.
        drafted: Tokens in them.
        tested: Of these, how many were compared with the tuned draw: up to the first that differs.
        accepted: Of these, how many were it.
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
        """Of the drafted tokens that were compared, the share that was accepted."""
        return self.accepted / self.tested if self.tested else None

    @property
    def mean_block(self) -> float | None:
        """Tokens that a block yields: those accepted and the one that needs no draft."""
        return 1 + self.accepted / self.blocks if self.blocks else None


@dataclass(frozen=True, slots=True)
class SpeculationStats:
    """Drafts of one text.

    Attributes:
        sources: Who drafted, a role or a lookup, with what it brought.
        plain: Tokens that were read one by one, without a draft.
        unrewindable: The role that cannot go back to an earlier token, so that nothing was drafted.
    """

    sources: tuple[tuple[str, DraftCounts], ...] = ()
    plain: int = 0
    unrewindable: str = ""

    @property
    def total(self) -> DraftCounts:
        return sum((counts for _, counts in self.sources), DraftCounts())
