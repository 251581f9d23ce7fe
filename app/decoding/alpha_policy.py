"""Policies of alpha: how the alphas of a recipe are scaled at each token. Plain data, no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from app.errors import SettingsError

_MOST_FACTOR = 1000.0
_MOST_TOKENS = 1_000_000


class PolicyKind(StrEnum):
    """What the factor of a token's alphas depends on."""

    CONSTANT = "constant"
    RAMP = "ramp"
    THINKING = "thinking"
    ANSWER = "answer"
    ENTROPY = "entropy"
    CONFIDENCE = "confidence"
    AGREEMENT = "agreement"
    KL = "kl"


FORMS = {
    PolicyKind.CONSTANT: "constant",
    PolicyKind.RAMP: "ramp:FROM:TO:TOKENS",
    PolicyKind.THINKING: "thinking",
    PolicyKind.ANSWER: "answer",
    PolicyKind.ENTROPY: "entropy:BITS",
    PolicyKind.CONFIDENCE: "confidence:P",
    PolicyKind.AGREEMENT: "agreement:SHARE",
    PolicyKind.KL: "kl:BITS",
}
"""How each kind is written; ``docs/alpha-policies.md`` explains the numbers."""

_NUMBERS = {
    PolicyKind.RAMP: (3,),
    PolicyKind.ENTROPY: (1, 2),
    PolicyKind.CONFIDENCE: (1, 2),
    PolicyKind.AGREEMENT: (1, 2),
    PolicyKind.KL: (1,),
}
_SKIPPING = (PolicyKind.THINKING, PolicyKind.ANSWER, PolicyKind.ENTROPY, PolicyKind.CONFIDENCE)


@dataclass(frozen=True, slots=True)
class AlphaPolicy:
    """A rule for the factor by which all alphas are multiplied at a token.

    Attributes:
        kind: What the factor depends on.
        numbers: Its settings, in the order in which they are written.
    """

    kind: PolicyKind = PolicyKind.CONSTANT
    numbers: tuple[float, ...] = ()

    @property
    def is_constant(self) -> bool:
        """Whether the alphas are used as they are."""
        return self.kind is PolicyKind.CONSTANT

    @property
    def may_skip(self) -> bool:
        """Whether the factor can be 0 before the pairs have read the last token."""
        if self.kind is PolicyKind.RAMP:
            return self.numbers[1] == 0.0
        return self.kind in _SKIPPING

    @property
    def by_place(self) -> bool:
        """Whether the factor is known before any model has read the last token."""
        return self.kind in (PolicyKind.RAMP, PolicyKind.THINKING, PolicyKind.ANSWER)

    @property
    def needs_text(self) -> bool:
        """Whether the factor depends on the text so far."""
        return self.kind in (PolicyKind.THINKING, PolicyKind.ANSWER)

    @property
    def text(self) -> str:
        """The policy as it is written, which :func:`parse_policy` reads."""
        return ":".join([self.kind.value, *(f"{number:.15g}" for number in self.numbers)])

    def ramp(self, index: int) -> float:
        """The factor of a ramp at token ``index``, from 0."""
        first, last, tokens = self.numbers
        return first + (last - first) * min(max(index, 0) / tokens, 1.0)

    def above(self, value: float) -> float:
        """The factor of a measure that turns the pairs on where it is high."""
        low, high = self.numbers[0], self.numbers[-1]
        if value >= high:
            return 1.0
        return 0.0 if value <= low else (value - low) / (high - low)

    def below(self, value: float) -> float:
        """The factor of a measure that turns the pairs off where it is high."""
        low, high = self.numbers[0], self.numbers[-1]
        if value >= high:
            return 0.0
        return 1.0 if value <= low else (high - value) / (high - low)


CONSTANT = AlphaPolicy()


def parse_policy(text: str) -> AlphaPolicy:
    """Parse a policy such as ``constant``, ``ramp:0:1:50`` or ``kl:0.5``.

    Raises:
        SettingsError: There is no such policy, or a number is missing or out of range.
    """
    name, *parts = text.strip().split(":")
    try:
        kind = PolicyKind(name)
    except ValueError:
        raise SettingsError(
            f"“{text}” is not an alpha policy",
            next_step=f"Write one of {', '.join(FORMS.values())}.",
        ) from None
    if len(parts) not in _NUMBERS.get(kind, (0,)):
        raise _wrong(kind, text)
    try:
        numbers = tuple(float(part) for part in parts)
    except ValueError:
        raise _wrong(kind, text) from None
    if not (all(map(math.isfinite, numbers)) and _in_range(kind, numbers)):
        raise _wrong(kind, text)
    return AlphaPolicy(kind, numbers)


def _in_range(kind: PolicyKind, numbers: tuple[float, ...]) -> bool:
    match kind:
        case PolicyKind.RAMP:
            whole = numbers[2].is_integer() and 1 <= numbers[2] <= _MOST_TOKENS
            return whole and all(abs(factor) <= _MOST_FACTOR for factor in numbers[:2])
        case PolicyKind.CONFIDENCE | PolicyKind.AGREEMENT:
            return 0 <= numbers[0] <= numbers[-1] <= 1
        case PolicyKind.ENTROPY | PolicyKind.KL:
            return 0 <= numbers[0] <= numbers[-1]
        case _:
            return True


_RANGES = {
    PolicyKind.RAMP: f"FROM and TO are factors of alpha, TOKENS is a whole number up to "
    f"{_MOST_TOKENS:,}",
    PolicyKind.ENTROPY: "BITS is 0 or more; two numbers LOW:HIGH make the change gradual",
    PolicyKind.CONFIDENCE: "P is between 0 and 1; two numbers LOW:HIGH make the change gradual",
    PolicyKind.AGREEMENT: "SHARE is between 0 and 1; two numbers LOW:HIGH make the change gradual",
    PolicyKind.KL: "BITS is 0 or more",
}


def _wrong(kind: PolicyKind, text: str) -> SettingsError:
    return SettingsError(
        f"The alpha policy “{kind}” is written {FORMS[kind]}",
        evidence=f"it is “{text}”",
        next_step=f"{_RANGES[kind]}." if kind in _RANGES else "It has no numbers.",
    )
