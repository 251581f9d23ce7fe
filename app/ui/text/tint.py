"""Colour scales of the transcript: from the number of a token to its background colour."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PySide6.QtGui import QColor

from app.attribution.measures import BIT, RANK_CLASSES, Measure, Reduction, Unit, rank_class
from app.attribution.row_statistics import Floats
from app.colors import FULL_SHIFT_BITS
from app.ui.state.display import Tint
from app.ui.state.runs.token_groups import Grouping
from app.ui.state.tint_scale import TintScale
from app.ui.theme import Theme, blend

QUANTILE = 0.95
"""Share of the tokens whose colours an automatic scale tells apart."""

USUAL = TintScale()
_FULL_PROBABILITY = 0.5
"""Difference of probabilities with the darkest colour."""
_JUST_BEYOND = 1 + 1e-9
_LEVELS = 64
_MARK_SHARE = 0.08
"""Share of the background in the colour of marks; low, so that marks stay readable."""

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
_WIDER = {Grouping.WORD: 2.0, Grouping.SENTENCE: 8.0, Grouping.LINE: 8.0}
"""Factor of the limit for groups whose number is a sum."""

_RANKS_LIGHT = ("#eef3d8", "#b5dcb4", "#90bfdf", "#b598d6")
_RANKS_DARK = ("#31362a", "#284a39", "#28557c", "#6c4f9b")
"""Ordered by lightness, so that the order is visible without colour vision."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Colour scale of one tint.

    Attributes:
        tint: The measure that the scale shows.
        limit: Value with the darkest colour; unused for classes of ranks.
        theme: The colours.
        unit: The unit of the values.
    """

    tint: Tint
    limit: float
    theme: Theme
    unit: Unit = Unit.BITS

    @property
    def diverging(self) -> bool:
        """Whether 0 is in the middle of the scale."""
        return self.tint.measure.signed

    @property
    def classes(self) -> tuple[int, ...]:
        """Last rank of each class except the lowest class; empty for a continuous scale."""
        return RANK_CLASSES if Unit.RANK in self.tint.measure.units else ()

    def color(self, value: float) -> QColor:
        """The background for ``value``; NaN gets the plain background.

        Infinite values, such as the shift of a token with base probability 0, get the darkest
        colour.
        """
        if math.isnan(value):
            return QColor(self.theme.surface)
        if self.classes:
            ranks = _RANKS_DARK if self.theme.dark else _RANKS_LIGHT
            return QColor(ranks[rank_class(value)])
        share = min(max(value / self.limit, -1.0 if self.diverging else 0.0), 1.0)
        return _shade(self, round(share * _LEVELS))

    def saturates(self, value: float) -> bool:
        """Whether ``value`` is beyond the darkest colour."""
        size = abs(value) if self.diverging else value
        return not self.classes and size > self.limit * _JUST_BEYOND

    def full_color(self, value: float) -> QColor:
        """The pure colour at the end of the scale where ``value`` is."""
        return QColor(self._more if value > 0 else self._less)

    @property
    def _more(self) -> str:
        if self.tint.measure is Measure.CONTRIBUTION:
            return self.theme.pair_color(self.tint.pair).name()
        return self.theme.more if self.diverging else self.theme.heat

    @property
    def _less(self) -> str:
        contribution = self.tint.measure is Measure.CONTRIBUTION
        return self.theme.muted if contribution else self.theme.less


def scale_of(
    tint: Tint,
    grouping: Grouping,
    theme: Theme,
    chosen: TintScale = USUAL,
    values: Floats | None = None,
) -> Scale:
    """The scale of a tint; its usual limit is larger for groups whose number is a sum.

    Args:
        tint: The tint.
        grouping: The groups of tokens that get one colour.
        theme: The colours.
        chosen: The chosen unit and limit.
        values: The values of the text in that unit, for an automatic limit.
    """
    unit = unit_of(tint.measure, chosen)
    limit = _usual_limit(tint.measure, unit)
    if tint.measure.reduction is Reduction.SUM:
        limit *= _WIDER.get(grouping, 1.0)
    if chosen.limit is not None:
        limit = chosen.limit
    elif chosen.automatic and values is not None:
        limit = _automatic_limit(values) or limit
    return Scale(tint, limit, theme, unit)


def unit_of(measure: Measure, chosen: TintScale) -> Unit:
    """The unit of a scale: the chosen one if the measure has it, else the usual one."""
    return chosen.unit if chosen.unit in measure.units else measure.units[0]


def _usual_limit(measure: Measure, unit: Unit) -> float:
    if unit is Unit.PROBABILITY and measure.signed:
        return _FULL_PROBABILITY
    in_bits = FULL_SHIFT_BITS if measure is Measure.CONTRIBUTION else _LIMITS.get(measure, 0.0)
    return in_bits * BIT if unit is Unit.NATS else in_bits


def _automatic_limit(values: Floats) -> float:
    """The quantile of the sizes of the values, to two digits; 0 if there is none."""
    sizes = np.abs(values[np.isfinite(values)])
    return float(f"{np.quantile(sizes, QUANTILE):.2g}") if len(sizes) else 0.0


@lru_cache(maxsize=2048)
def _shade(scale: Scale, level: int) -> QColor:
    color = scale._more if level > 0 else scale._less
    return blend(scale.theme.surface, color, scale.theme.tint_strength * abs(level) / _LEVELS)


def mark_color(theme: Theme) -> QColor:
    """Colour of marks (line breaks, bytes): paler than text, but readable on every tint."""
    return blend(theme.text, theme.surface, _MARK_SHARE)
