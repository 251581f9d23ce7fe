"""A row of logarithms of probabilities in which a few of them change."""

from __future__ import annotations

import math

from torch import Tensor

from app.decoding.bridge.vocabulary_bridge import LEAST

_LEFT = 1e-3
"""What a token keeps at least of its probability when that of longer ones is taken from it."""


class ChangedRow:
    """A row, [V], and the probabilities of the tokens that change in it.

    Args:
        row: Logarithms of probabilities that add up to 1; it is changed by :meth:`normalized`.
    """

    def __init__(self, row: Tensor) -> None:
        self._row = row
        self._before: dict[int, float] = {}
        self._now: dict[int, float] = {}

    def add(self, token: int, probability: float) -> None:
        """Give a token more probability, or less; :meth:`keep_some` bounds what is taken."""
        if token not in self._before:
            self._before[token] = self._now[token] = math.exp(float(self._row[token]))
        self._now[token] += probability

    def keep_some(self) -> None:
        """Let every token keep a little of the probability that it had."""
        for token, before in self._before.items():
            self._now[token] = max(self._now[token], _LEFT * before)

    def normalized(self) -> Tensor:
        """The logarithms of the changed probabilities, which add up to 1 again, [V]."""
        total = 1.0 + sum(self._now.values()) - sum(self._before.values())
        self._row.sub_(math.log(total))
        for token, probability in self._now.items():
            self._row[token] = math.log(max(probability / total, LEAST))
        return self._row
