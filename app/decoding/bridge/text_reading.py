"""How a pair of another vocabulary reads a text, and what one reading says of the next token."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from app.decoding.bridge.beginnings import common_length
from app.decoding.bridge.vocabulary_bridge import TailTokens


@dataclass(frozen=True, slots=True)
class TextReading:
    """A text as the pair reads it.

    Attributes:
        ids: The tokens of the pair.
        tails: The boundaries at which a longer token may have begun: how many tokens are before it,
            and the tokens that may have begun.
        whole: Whether ``ids`` are the whole text, so that its end is a boundary.
        other: The text as the pair reads it if a letter follows, where this is another way: white
            space before a word is often split otherwise. It has only tails of its own.
    """

    ids: list[int]
    tails: tuple[tuple[int, TailTokens], ...]
    whole: bool = True
    other: TextReading | None = None

    @property
    def earliest(self) -> int:
        """The first boundary whose row is needed."""
        first = self.tails[0][0] if self.tails else len(self.ids)
        return first if self.other is None else min(first, common_length(self.ids, self.other.ids))


@dataclass(frozen=True, slots=True)
class RowPart:
    """What one reading of a text says of the next token of the base.

    Attributes:
        after: Probabilities of the pair's next token after the last one, [W].
        at_end: The probability that the text ends with the last token, in a unit of its own.
        tail_ids: Tokens of the base that come next where a token of the pair goes on, [n].
        tail_weights: The probability of each, in the same unit, [n].
        logarithm: The logarithm of the unit.
    """

    after: Tensor
    at_end: float
    tail_ids: Tensor
    tail_weights: Tensor
    logarithm: float
