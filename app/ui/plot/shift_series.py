"""The numbers behind the shift plot, in arrays that grow as tokens come. No Qt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.ui.run import Token

_FIRST_CAPACITY = 256


class ShiftSeries:
    """Contributions and probabilities of every token; growing costs amortised constant time."""

    def __init__(self, pairs: int) -> None:
        self._pairs = pairs
        self._values = np.zeros((_FIRST_CAPACITY, pairs + 2))
        self.count = 0

    def extend(self, tokens: Sequence[Token]) -> None:
        """Append tokens."""
        needed = self.count + len(tokens)
        if needed > len(self._values):
            grown = np.zeros((max(needed, 2 * len(self._values)), self._pairs + 2))
            grown[: self.count] = self._values[: self.count]
            self._values = grown
        for row, token in enumerate(tokens, self.count):
            explained = token.attribution
            self._values[row] = (*explained.contributions, explained.p_base, explained.p_tuned)
        self.count = needed

    @property
    def contributions(self) -> NDArray[np.float64]:
        """[T, P], in probability."""
        return self._values[: self.count, : self._pairs]

    @property
    def p_base(self) -> NDArray[np.float64]:
        """[T]."""
        return self._values[: self.count, self._pairs]

    @property
    def p_tuned(self) -> NDArray[np.float64]:
        """[T]."""
        return self._values[: self.count, self._pairs + 1]

    def bars(self, first: int, last: int) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """For each pair the (bottoms, heights), each [n], of its bars from ``first`` to ``last``.

        What pairs gave is stacked upwards from 0 and what they took downwards, in the pairs' order.
        """
        shares = self.contributions[first:last]
        up = np.zeros(len(shares))
        down = np.zeros(len(shares))
        stacked = []
        for pair in range(self._pairs):
            heights = shares[:, pair]
            bottoms = np.where(heights >= 0, up, down)
            stacked.append((bottoms, heights))
            up = up + np.maximum(heights, 0)
            down = down + np.minimum(heights, 0)
        return stacked
