"""The tint of a text: its measure, and the unit and the limit of its colours."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from app.attribution.measures import BIT, Measure, Unit
from app.attribution.row_statistics import Floats
from app.colors import FULL_SHIFT_BITS

QUANTILE = 0.95
"""Share of the tokens whose colours an automatic scale tells apart."""

_FULL_PROBABILITY = 0.5
"""Difference of probabilities with the darkest colour."""
_LIMITS = {
    Measure.SHIFT: FULL_SHIFT_BITS,
    Measure.SURPRISAL: 12.0,
    Measure.BASE_SURPRISAL: 12.0,
    Measure.KL: 4.0,
    Measure.ENTROPY: 8.0,
    Measure.BASE_ENTROPY: 8.0,
    Measure.PROBABILITY: 1.0,
    Measure.BASE_PROBABILITY: 1.0,
}
"""Value of a token that gets the darkest colour, in the usual unit of the measure."""


@dataclass(frozen=True, slots=True)
class Tint:
    """The measure that tokens are coloured by; ``pair`` is used by contributions."""

    measure: Measure = Measure.SHIFT
    pair: int = 0

    def of(self, pairs: int) -> Tint:
        """This tint, or a similar one if a run with ``pairs`` pairs does not have it."""
        if not pairs:
            return Tint(Measure.SURPRISAL) if self.measure.needs_pairs else self
        missing = self.measure is Measure.CONTRIBUTION and self.pair >= pairs
        return Tint() if missing else self


@dataclass(frozen=True, slots=True)
class TintScale:
    """Choice of a colour scale.

    Attributes:
        unit: The unit; None for the usual one of the measure.
        limit: The value that gets the darkest colour; None for the usual one.
        automatic: Whether the limit is a quantile of the values of the text.
    """

    unit: Unit | None = None
    limit: float | None = None
    automatic: bool = False

    @property
    def stored(self) -> str:
        """The choice as text for the saved settings."""
        limit = "auto" if self.automatic else "" if self.limit is None else f"{self.limit:g}"
        return f"{self.unit or ''}:{limit}"

    @classmethod
    def from_stored(cls, text: str) -> TintScale:
        """The choice that :attr:`stored` had; what is unknown is the usual."""
        name, _, limit = text.partition(":")
        unit = Unit(name) if name in set(Unit) else None
        with suppress(ValueError):
            value = float(limit)
            return cls(unit, value) if 0 < value < float("inf") else cls(unit)
        return cls(unit, automatic=limit == "auto")


USUAL_TINT = Tint()
USUAL = TintScale()


def unit_of(measure: Measure, chosen: TintScale) -> Unit:
    """The unit of a scale: the chosen one if the measure has it, else the usual one."""
    return chosen.unit if chosen.unit in measure.units else measure.units[0]


def usual_limit(measure: Measure, unit: Unit) -> float:
    """The value of a token that usually gets the darkest colour, in a unit of the measure."""
    if unit is Unit.PROBABILITY and measure.signed:
        return _FULL_PROBABILITY
    in_bits = FULL_SHIFT_BITS if measure is Measure.CONTRIBUTION else _LIMITS.get(measure, 0.0)
    return in_bits * BIT if unit is Unit.NATS else in_bits


def chosen_limit(chosen: TintScale, usual: float, values: Floats | None) -> float:
    """The value with the darkest colour.

    Args:
        chosen: The choice.
        usual: What it is if none is chosen, or an automatic one has no values.
        values: The values of the text, for an automatic one.
    """
    if chosen.limit is not None:
        return chosen.limit
    if chosen.automatic and values is not None:
        return automatic_limit(values) or usual
    return usual


def automatic_limit(values: Floats) -> float:
    """The quantile of the sizes of the values, to two digits; 0 if there is none."""
    sizes = np.abs(values[np.isfinite(values)])
    return float(f"{np.quantile(sizes, QUANTILE):.2g}") if len(sizes) else 0.0
