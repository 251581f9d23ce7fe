"""Choice of the colour scale of a tint: its unit, and the value with the darkest colour."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from app.attribution.measures import Unit


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
