"""Colour scales of the transcript: from the number of a token to its background colour."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtGui import QColor

from app.attribution.measures import RANK_CLASSES, Measure, Reduction, Unit, rank_class
from app.attribution.row_statistics import Floats
from app.attribution.tint_scale import USUAL, Tint, TintScale, chosen_limit, unit_of, usual_limit
from app.ui.state.runs.token_groups import Grouping
from app.ui.theme import Theme, blend

_JUST_BEYOND = 1 + 1e-9
_LEVELS = 64
_MARK_SHARE = 0.08
"""Share of the background in the colour of marks; low, so that marks stay readable."""

_WIDER = {Grouping.WORD: 2.0, Grouping.SENTENCE: 8.0, Grouping.LINE: 8.0}
"""Factor of the limit for groups whose number is a sum."""


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
            return QColor(self.theme.ranks[rank_class(value)])
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
    limit = usual_limit(tint.measure, unit)
    if tint.measure.reduction is Reduction.SUM:
        limit *= _WIDER.get(grouping, 1.0)
    return Scale(tint, chosen_limit(chosen, limit, values), theme, unit)


@lru_cache(maxsize=2048)
def _shade(scale: Scale, level: int) -> QColor:
    color = scale._more if level > 0 else scale._less
    return blend(scale.theme.surface, color, scale.theme.tint_strength * abs(level) / _LEVELS)


def mark_color(theme: Theme) -> QColor:
    """Colour of marks (line breaks, bytes): paler than text, but readable on every tint."""
    return blend(theme.text, theme.surface, _MARK_SHARE)
