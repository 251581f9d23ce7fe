"""The axis along the tokens, which counts them from 1 as every other place does."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg


class TokenAxis(pg.AxisItem):  # type: ignore[misc]
    """Labels whole tokens alone: the first column, at 0, is token 1."""

    def __init__(self) -> None:
        super().__init__("bottom")

    def tickValues(  # noqa: N802 — the library's name
        self,
        lowest: float,
        highest: float,
        size: float,
    ) -> list[tuple[float, list[float]]]:
        """Places with round numbers, those of no token left out."""
        return [
            (spacing, [value - 1 for value in values if value >= 1])
            for spacing, values in super().tickValues(lowest + 1, highest + 1, size)
            if spacing >= 1
        ]

    def tickStrings(  # noqa: N802 — the library's name
        self, values: Sequence[float], scale: float, spacing: float
    ) -> list[str]:
        """The numbers of the tokens at these places."""
        return [f"{round(value) + 1:,}" for value in values]
