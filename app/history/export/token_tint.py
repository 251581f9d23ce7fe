"""Tints of the tokens in the HTML report: CSS classes, and the colours that they stand for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from app.attribution.explained_token import ExplainedToken
from app.attribution.measures import RANK_CLASSES, Measure, Unit, measured, rank_class
from app.attribution.row_statistics import Floats
from app.attribution.series import AttributionSeries
from app.attribution.tint_scale import USUAL, chosen_limit, unit_of, usual_limit
from app.colors import Colors
from app.history.export.document import Document

TINT_LEVELS = 16
_JUST_BEYOND = 1 + 1e-9


class TokenTint:
    """The tint of a document: the measure, unit and scale that it shows, for its run.

    Args:
        document: The document.
    """

    def __init__(self, document: Document) -> None:
        shown = document.shown
        tint = shown.tint.of(len(document.pair_names))
        self.measure, self.pair = tint.measure, tint.pair
        chosen = shown.scale if self.measure is shown.tint.measure else USUAL
        self.unit = unit_of(self.measure, chosen)
        values = self._values(document.tokens)
        self.limit = chosen_limit(chosen, usual_limit(self.measure, self.unit), values)
        self.saturates = any(self._is_beyond(value) for value in values.tolist())
        """Whether the number of any token is beyond the darkest colour."""

    @property
    def classes_of_ranks(self) -> tuple[int, ...]:
        """The last rank of each class but the lowest; empty where the scale is continuous."""
        return RANK_CLASSES if self.unit is Unit.RANK else ()

    def css(self, tokens: Sequence[ExplainedToken]) -> list[str]:
        """The CSS classes of each token; empty where it is not tinted."""
        return [self._css(value) for value in self._values(tokens).tolist()]

    def more(self, colors: Colors) -> str:
        """The pure colour of high values."""
        if self.measure is Measure.CONTRIBUTION:
            return colors.of_pair(self.pair)
        return colors.more if self.measure.signed else colors.heat

    def less(self, colors: Colors) -> str:
        """The pure colour of negative values."""
        return colors.muted if self.measure is Measure.CONTRIBUTION else colors.less

    def _css(self, value: float) -> str:
        if math.isnan(value):
            return ""
        if self.classes_of_ranks:
            return f"rank{rank_class(value)}"
        level = round(min(abs(value) / self.limit, 1.0) * TINT_LEVELS)
        name = f"{'up' if value > 0 else 'down'}{level}" if level else ""
        return f"{name} beyond" if self._is_beyond(value) else name

    def _is_beyond(self, value: float) -> bool:
        return not self.classes_of_ranks and abs(value) > self.limit * _JUST_BEYOND

    def _values(self, tokens: Sequence[ExplainedToken]) -> Floats:
        """The values of tokens, which an earlier run with other pairs may have."""
        pairs = len(tokens[0].attribution.contributions) if tokens else 0
        if self.measure is Measure.CONTRIBUTION and self.pair >= pairs:
            return np.full(len(tokens), np.nan)
        series = AttributionSeries(pairs)
        series.extend([token.attribution for token in tokens])
        return measured(series, self.measure, self.pair, self.unit)
