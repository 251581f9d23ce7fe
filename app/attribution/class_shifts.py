"""Mean probability shifts by token class over many texts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.attribution.summary import Influence
from app.attribution.token_classes import TokenClass, classes_of

ShiftedToken = tuple[str, float, float]
"""Text of a sampled token, and its probability under the base and the tuned distribution."""

_LEAST = 2
"""Minimum number of occurrences of a token in a ranking of shifts."""


@dataclass(slots=True)
class ClassTotal:
    """Sums over the tokens of one class.

    Attributes:
        count: The number of tokens.
        shift: Sum of ``p_tuned − p_base``.
        by_text: Occurrences and sum of shifts, by the token's text without surrounding white space.
    """

    count: int = 0
    shift: float = 0.0
    by_text: dict[str, tuple[int, float]] = field(default_factory=dict)

    @property
    def mean_shift(self) -> float:
        """Mean of ``p_tuned − p_base``; NaN without tokens."""
        return self.shift / self.count if self.count else math.nan

    def add(self, text: str, shift: float) -> None:
        """Count one token."""
        self.count += 1
        self.shift += shift
        name = text.strip()
        if name:
            count, moved = self.by_text.get(name, (0, 0.0))
            self.by_text[name] = count + 1, moved + shift

    def raised(self, most: int) -> list[Influence]:
        """The tokens with the largest positive mean shift, largest first."""
        return [each for each in self._influences() if each.mean_shift > 0][:most]

    def _influences(self) -> list[Influence]:
        found = [
            Influence(name, count, shift / count)
            for name, (count, shift) in self.by_text.items()
            if count >= min(_LEAST, self.count)
        ]
        return sorted(found, key=lambda each: (-each.mean_shift, -each.count, each.name))


@dataclass(slots=True)
class ClassShifts:
    """Sums over every token of several texts sampled from the tuned distribution."""

    texts: int = 0
    classes: dict[TokenClass, ClassTotal] = field(
        default_factory=lambda: {kind: ClassTotal() for kind in TokenClass}
    )

    @property
    def whole(self) -> ClassTotal:
        """All classes together."""
        total = ClassTotal()
        for each in self.classes.values():
            total.count += each.count
            total.shift += each.shift
            for name, (count, shift) in each.by_text.items():
                known, moved = total.by_text.get(name, (0, 0.0))
                total.by_text[name] = known + count, moved + shift
        return total

    def add(self, tokens: Sequence[ShiftedToken], *, code: bool = False) -> None:
        """Count the tokens of one text.

        Args:
            tokens: All tokens of the text, in order.
            code: Whether the text is code.
        """
        self.texts += 1
        kinds = classes_of((text for text, _, _ in tokens), code=code)
        for kind, (text, base, tuned) in zip(kinds, tokens, strict=True):
            self.classes[kind].add(text, tuned - base)


def class_shifts(texts: Iterable[Sequence[ShiftedToken]], *, code: bool = False) -> ClassShifts:
    """The sums over ``texts``."""
    found = ClassShifts()
    for tokens in texts:
        found.add(tokens, code=code)
    return found
