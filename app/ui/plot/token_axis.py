"""Axis of the tokens, numbered from 1."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg

from app.ui.translation import translate


class TokenAxis(pg.AxisItem):  # type: ignore[misc]
    """Axis with integer labels: the column at 0 is token 1."""

    def __init__(self) -> None:
        super().__init__("bottom")
        self.enableAutoSIPrefix(False)
        self._named: float | None = None

    def tickValues(  # noqa: N802 — the library's name
        self,
        lowest: float,
        highest: float,
        size: float,
    ) -> list[tuple[float, list[float]]]:
        """Positions of tokens with round numbers."""
        levels = [
            (spacing, [value - 1 for value in values if value >= 1])
            for spacing, values in super().tickValues(lowest + 1, highest + 1, size)
            if spacing >= 1
        ]
        places = sorted(levels[0][1]) if levels else []
        self._named = places[len(places) // 2] if places else None
        return levels

    def tickStrings(  # noqa: N802 — the library's name
        self, values: Sequence[float], scale: float, spacing: float
    ) -> list[str]:
        """Numbers of the tokens at these positions; one of them says what is numbered."""
        named = translate("Plot", "token {0}")
        return [
            (named if value == self._named else "{0}").format(f"{round(value) + 1:,}")
            for value in values
        ]
