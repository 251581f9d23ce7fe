"""The number that each token of a run is coloured by: its own, or that of its group."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QColor

from app.attribution.measures import Reduction, measured, reduced
from app.attribution.row_statistics import Floats
from app.ui.state.display import Tint
from app.ui.state.runs.run import Run
from app.ui.state.runs.token_groups import Grouping, TokenGroups
from app.ui.text.tint import Scale, scale_of
from app.ui.theme import Theme


class TokenTints:
    """The numbers and colours of the tokens of one run, extended while tokens are generated.

    Args:
        run: The run.
        tint: The chosen tint; replaced by a similar one where the run does not have it.
        grouping: The groups of tokens that get one colour.
        theme: The colours.
    """

    def __init__(self, run: Run, tint: Tint, grouping: Grouping, theme: Theme) -> None:
        self._run = run
        self.series = run.series
        self.choose(tint, grouping, theme)

    def choose(self, tint: Tint, grouping: Grouping, theme: Theme) -> None:
        """Use another tint, grouping or theme."""
        self.tint = tint.of(self.series.pairs)
        self.grouping = grouping
        self.scale: Scale = scale_of(self.tint, grouping, theme)
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

    def range_of(self, token: int) -> tuple[int, int]:
        """First and end index of the group that contains ``token``."""
        return self._groups.range_of(token)

    @property
    def settled(self) -> int:
        """Number of tokens at the beginning whose colour no longer changes when others follow."""
        return self._groups.settled

    @property
    def reduction(self) -> Reduction | None:
        """How the numbers of a group are combined; None where every token has its own colour."""
        return None if self.grouping is Grouping.TOKEN else self.tint.measure.reduction

    def _measure(self) -> None:
        values = measured(self.series, self.tint.measure, self.tint.pair)
        if self.reduction is not None and len(values):
            starts = self._groups.starts
            sizes = np.diff(starts, append=len(values))
            values = np.repeat(reduced(values, starts, self.reduction), sizes)
        self._values: Floats = values
