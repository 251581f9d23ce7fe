"""The number that each token of a run is coloured by: its own, or that of its group."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtGui import QColor

from app.attribution.measures import Measure, Reduction, Unit, measured, reduced
from app.attribution.row_statistics import Floats
from app.attribution.tint_scale import USUAL, Tint, TintScale
from app.ui.state.number_units import Units
from app.ui.state.runs.run import Run
from app.ui.state.runs.token_groups import Grouping, TokenGroups
from app.ui.text.tint import Scale, scale_of
from app.ui.theme import Theme

_GROWTH = 1.2
"""Growth of the text after which an automatic scale is fitted anew."""


class TokenTints:
    """The numbers and colours of the tokens of one run, extended while tokens are generated.

    Args:
        run: The run.
        tint: The chosen tint; replaced by a similar one where the run does not have it.
        grouping: The groups of tokens that get one colour.
        theme: The colours.
        scales: The chosen scale of each measure that has another than the usual one.
    """

    def __init__(
        self,
        run: Run,
        tint: Tint,
        grouping: Grouping,
        theme: Theme,
        scales: Mapping[Measure, TintScale] | None = None,
    ) -> None:
        self._run = run
        self.series = run.series
        self.choose(tint, grouping, theme, scales or {})

    def choose(
        self, tint: Tint, grouping: Grouping, theme: Theme, scales: Mapping[Measure, TintScale]
    ) -> None:
        """Use another tint, grouping, theme or scale."""
        self.tint = tint.of(self.series.pairs)
        self.grouping = grouping
        self._theme = theme
        self._chosen = scales.get(self.tint.measure, USUAL)
        self._scaled = 0
        self.scale: Scale = scale_of(self.tint, grouping, theme, self._chosen)
        self._colors: dict[int, QColor] = {}  # of settled tokens
        self._groups = TokenGroups(grouping)
        self._groups.extend([token.text for token in self._run.tokens[: self.series.count]])
        self._measure()

    def extend(self) -> None:
        """Add the tokens that the run has got since the last call."""
        known, self.series = self.series.count, self._run.series
        self._groups.extend([token.text for token in self._run.tokens[known:]])
        self._measure()

    def color(self, token: int) -> QColor:
        """The background of a token."""
        color = self._colors.get(token)
        if color is None:
            color = self.scale.color(float(self._values[token]))
            if token < self.settled:
                self._colors[token] = color
        return color

    def value(self, token: int) -> float:
        """The number that a token is coloured by: its own, or that of its group."""
        return float(self._values[token])

    def saturates(self, token: int) -> bool:
        """Whether the number of a token is beyond the darkest colour."""
        return self.scale.saturates(float(self._values[token]))

    @property
    def some_saturate(self) -> bool:
        """Whether the number of any token is beyond the darkest colour."""
        if self.scale.classes:
            return False
        sizes = np.abs(self._values) if self.scale.diverging else self._values
        return bool(len(sizes)) and self.scale.saturates(float(np.nanmax(sizes, initial=0.0)))

    def range_of(self, token: int) -> tuple[int, int]:
        """First and end index of the group that contains ``token``."""
        return self._groups.range_of(token)

    @property
    def units(self) -> Units:
        """Units of the numbers that descriptions of tokens tell, as the scale has them."""
        unit = self.scale.unit
        of_pairs = self.tint.measure is Measure.CONTRIBUTION
        return Units(
            Unit.NATS if unit is Unit.NATS else Unit.BITS, unit if of_pairs else Unit.PROBABILITY
        )

    @property
    def settled(self) -> int:
        """Number of tokens at the beginning whose colour no longer changes when others follow."""
        return self._groups.settled

    @property
    def reduction(self) -> Reduction | None:
        """How the numbers of a group are combined; None where every token has its own colour."""
        return None if self.grouping is Grouping.TOKEN else self.tint.measure.reduction

    def _measure(self) -> None:
        values = measured(self.series, self.tint.measure, self.tint.pair, self.scale.unit)
        if self.reduction is not None and len(values):
            starts = self._groups.starts
            sizes = np.diff(starts, append=len(values))
            values = np.repeat(reduced(values, starts, self.reduction), sizes)
        self._values: Floats = values
        self._fit_scale()

    def _fit_scale(self) -> None:
        """Fit an automatic scale to the text, anew where a fifth has been added to it."""
        count = len(self._values)
        if self._chosen.automatic and count >= self._scaled * _GROWTH and count:
            self._scaled = count
            fitted = scale_of(self.tint, self.grouping, self._theme, self._chosen, self._values)
            if fitted != self.scale:
                self.scale, self._colors = fitted, {}
