"""Numbers of tokens with their units."""

from __future__ import annotations

import math

from app.attribution.measures import Unit, in_unit
from app.ui.translation import translate
from app.wording import decimals, signed


def number(value: float, *, sign: bool = False) -> str:
    """A number with about three digits; ∞ for infinity, and a dash for NaN.

    Thousands are separated by commas.

    Numbers below 0.001 are written as ``<0.001``: only 0 reads as 0.
    """
    if math.isnan(value):
        return "–"
    if value == 0:
        return "0"
    sizes = ((0.01, 3), (9.995, 2), (99.95, 1))
    if 999.5 <= abs(value) < math.inf:
        return f"{value:{'+' if sign else ''},.0f}".replace("-", "−")
    digits = next((digits for limit, digits in sizes if abs(value) < limit), 0)
    return decimals(value, digits, sign=sign)


def bits(value: float, *, sign: bool = False) -> str:
    """A number of bits with its unit."""
    return translate("Tints", "{0} bits").format(number(value, sign=sign))


def information(nats: float, unit: Unit, *, sign: bool = False) -> str:
    """An amount of information in bits or nats, with the unit."""
    return amount(in_unit(nats, unit), unit, sign=sign)


def contribution(share: float, in_logs: float, unit: Unit) -> str:
    """The contribution of a pair.

    Args:
        share: The contribution to the probability.
        in_logs: The contribution to the log-probability, in nats.
        unit: Probability, which needs no unit, or bits or nats.
    """
    return signed(share) if unit is Unit.PROBABILITY else information(in_logs, unit, sign=True)


def unit_title(unit: Unit) -> str:
    """Name of a unit, as it follows a number."""
    return {
        Unit.BITS: translate("Tints", "bits"),
        Unit.NATS: translate("Tints", "nats"),
        Unit.PROBABILITY: translate("Tints", "probability"),
        Unit.RANK: translate("Tints", "rank"),
    }[unit]


def amount(value: float, unit: Unit, *, sign: bool = False) -> str:
    """A number of bits or nats with its unit."""
    if unit is Unit.BITS:
        return bits(value, sign=sign)
    return translate("Tints", "{0} {1}").format(number(value, sign=sign), unit_title(unit))
