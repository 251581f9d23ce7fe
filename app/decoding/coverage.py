"""How much of the base's probability pairs of another vocabulary have an opinion of.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Coverage:
    """Shares of the base's probability at a token, by what pairs of another vocabulary know.

    With several such pairs, a token counts as what the pair that knows least of it says.

    Attributes:
        exact: That of the tokens of which every pair has an exact opinion.
        bounded: That of the tokens of which a pair knows only the first piece.
    """

    exact: float
    bounded: float

    @property
    def unknown(self) -> float:
        """That of the tokens of which a pair has no opinion."""
        return max(1.0 - self.exact - self.bounded, 0.0)

    def __add__(self, other: Coverage) -> Coverage:
        return Coverage(self.exact + other.exact, self.bounded + other.bounded)

    def __truediv__(self, count: int) -> Coverage:
        return Coverage(self.exact / count, self.bounded / count)


def mean_coverage(known: Iterable[Coverage | None]) -> Coverage | None:
    """The mean of those that are known; None if there are none."""
    found = [each for each in known if each is not None]
    return sum(found, Coverage(0.0, 0.0)) / len(found) if found else None
