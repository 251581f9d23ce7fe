"""Units in which the window tells numbers of tokens."""

from __future__ import annotations

from typing import NamedTuple

from app.attribution.measures import Unit


class Units(NamedTuple):
    """Units in which numbers of tokens are told.

    Attributes:
        information: Bits or nats, for entropies, divergences and changes of log-probability.
        contributions: Probability, or the same as ``information``.
    """

    information: Unit = Unit.BITS
    contributions: Unit = Unit.PROBABILITY
