"""Axis of the tokens, numbered from 1."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg


class TokenAxis(pg.AxisItem):  # type: ignore[misc]
    """Axis with integer labels: the column at 0 is token 1."""

    def __init__(self) -> None:
        super().__init__("bottom")

    def tickValues(  # noqa: N802 — the library's name
        self,
        lowest: float,
        highest: float,
        size: float,
    ) -> list[tuple[float, list[float]]]:
        """Positions of tokens with round numbers."""
        return [
            (spacing, [value - 1 for value in values if value >= 1])
            for spacing, values in super().tickValues(lowest + 1, highest + 1, size)
            if spacing >= 1
        ]

    def tickStrings(  # noqa: N802 — the library's name
        self, values: Sequence[float], scale: float, spacing: float
    ) -> list[str]:
        """Numbers of the tokens at these positions."""
        return [f"{round(value) + 1:,}" for value in values]
