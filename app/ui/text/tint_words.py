"""Names of the tints and the format of their numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.attribution.measures import BIT, RANK_CLASSES, Measure, Reduction, Unit, rank_class
from app.attribution.tint_scale import Tint
from app.ui.state.runs.token_groups import Grouping
from app.ui.translation import translate
from app.ui.words.unit_words import amount
from app.wording import probability, signed

_BEFORE_PAIRS = 6
"""Number of tints before those of single pairs."""
_LARGEST_FACTOR = 9_999_500
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def tints(pairs: Sequence[str]) -> list[Tint]:
    """All tints of a run with these pairs; the first ones keep their shortcuts."""
    alike = [Tint(measure) for measure in Measure if measure is not Measure.CONTRIBUTION]
    of_pairs = [Tint(Measure.CONTRIBUTION, pair) for pair in range(len(pairs))]
    return alike[:_BEFORE_PAIRS] + of_pairs + alike[_BEFORE_PAIRS:]


def tint_title(tint: Tint, pairs: Sequence[str]) -> str:
    """Name of a tint for a run with these pairs."""
    alone = not pairs
    match tint.measure:
        case Measure.SHIFT:
            return translate("Tints", "Shift")
        case Measure.CONTRIBUTION:
            return translate("Tints", "Contribution of {0}").format(pairs[tint.pair])
        case Measure.SURPRISAL:
            return (
                translate("Tints", "Surprisal") if alone else translate("Tints", "Tuned surprisal")
            )
        case Measure.BASE_SURPRISAL:
            return translate("Tints", "Base surprisal")
        case Measure.KL:
            return translate("Tints", "KL(tuned‖base)")
        case Measure.ENTROPY:
            return translate("Tints", "Entropy") if alone else translate("Tints", "Tuned entropy")
        case Measure.RANK:
            return (
                translate("Tints", "Rank") if alone else translate("Tints", "Rank under the base")
            )
        case Measure.PROBABILITY:
            return (
                translate("Tints", "Probability")
                if alone
                else translate("Tints", "Tuned probability")
            )
        case Measure.BASE_PROBABILITY:
            return translate("Tints", "Base probability")
        case Measure.BASE_ENTROPY:
            return translate("Tints", "Base entropy")
        case Measure.TUNED_RANK:
            return translate("Tints", "Rank after tuning")


def tint_explanation(measure: Measure, unit: Unit) -> str:
    """One sentence that says what a tint measures, in one of the measure's units."""
    difference = _difference(unit)
    return {
        Measure.SHIFT: {
            Unit.BITS: translate("Tints", "{0}: one bit is a factor of 2 in probability."),
            Unit.NATS: translate("Tints", "{0}: one nat is a factor of e (2.72) in probability."),
        }.get(unit, translate("Tints", "{0}, the change of the token's probability.")).format(
            difference
        ),
        Measure.CONTRIBUTION: translate(
            "Tints",
            "The pair's share (Shapley value) of {0}: in its colour where positive, grey where "
            "negative.",
        ).format(difference),
        Measure.SURPRISAL: translate("Tints", "−{0} p of the generated token.").format(_log(unit)),
        Measure.BASE_SURPRISAL: translate("Tints", "−{0} p(base) of the generated token.").format(
            _log(unit)
        ),
        Measure.KL: translate(
            "Tints",
            "Distance of the tuned distribution from the base's, over the whole vocabulary.",
        ),
        Measure.ENTROPY: translate(
            "Tints", "Uncertainty of the distribution, over the whole vocabulary."
        ),
        Measure.RANK: translate("Tints", "Rank of the token; the most probable token has rank 1."),
        Measure.PROBABILITY: translate("Tints", "Probability of the generated token."),
        Measure.BASE_PROBABILITY: translate(
            "Tints", "Probability of the generated token under the base."
        ),
        Measure.BASE_ENTROPY: translate(
            "Tints", "Uncertainty of the base's distribution, over the whole vocabulary."
        ),
        Measure.TUNED_RANK: translate(
            "Tints", "Rank of the token after tuning; the most probable token has rank 1."
        ),
    }[measure]


def _difference(unit: Unit) -> str:
    """What the shift is in a unit; contributions add up to it."""
    if unit in (Unit.BITS, Unit.NATS):
        return "{0} p(tuned) − {0} p(base)".format(_log(unit))
    return "p(tuned) − p(base)"


def _log(unit: Unit) -> str:
    return "ln" if unit is Unit.NATS else "log₂"


def reduction_title(reduction: Reduction) -> str:
    """Name of the way in which the numbers of tokens are combined for a group."""
    return {
        Reduction.SUM: translate("Tints", "sum"),
        Reduction.MEAN: translate("Tints", "mean"),
        Reduction.HIGHEST: translate("Tints", "highest"),
    }[reduction]


def grouping_title(grouping: Grouping) -> str:
    """Name of a grouping, as it follows the name of a tint."""
    return {
        Grouping.TOKEN: translate("Tints", "by token"),
        Grouping.WORD: translate("Tints", "by word"),
        Grouping.SENTENCE: translate("Tints", "by sentence"),
        Grouping.LINE: translate("Tints", "by line"),
    }[grouping]


def factor(shift: float) -> str:
    """A shift in bits as a factor in probability: ``×4.3`` or ``÷4.3``."""
    if math.isnan(shift) or math.isinf(shift):
        return {math.inf: "×∞", -math.inf: "÷∞"}.get(shift, "–")
    sign, size = ("÷" if shift < 0 else "×"), abs(shift)
    if size > math.log2(_LARGEST_FACTOR):
        return f"{sign}10{f'{size * math.log10(2):.0f}'.translate(_RAISED)}"
    value = 2**size
    return f"{sign}{float(f'{value:.3g}'):,.0f}" if value >= 99.5 else f"{sign}{value:.3g}"


def tint_value(tint: Tint, value: float, unit: Unit | None = None) -> str:
    """A value of a tint with its unit; None for the usual one."""
    unit = unit or tint.measure.units[0]
    match tint.measure:
        case Measure.SHIFT | Measure.CONTRIBUTION if unit is Unit.PROBABILITY:
            return translate("Tints", "{0} in probability").format(signed(value))
        case Measure.SHIFT:
            ratio = factor(value if unit is Unit.BITS else value / BIT)
            return translate("Tints", "{0} ({1})").format(amount(value, unit, sign=True), ratio)
        case Measure.CONTRIBUTION:
            return amount(value, unit, sign=True)
        case Measure.RANK | Measure.TUNED_RANK:
            return translate("Tints", "{0} ({1})").format(f"{value:,.0f}", class_title(value))
        case Measure.PROBABILITY | Measure.BASE_PROBABILITY:
            return probability(value)
        case _:
            return amount(value, unit)


def class_title(rank: float) -> str:
    """Name of the class that contains ``rank``."""
    place = rank_class(rank)
    if place < len(RANK_CLASSES):
        return translate("Tints", "top {0}").format(f"{RANK_CLASSES[place]:,}")
    return translate("Tints", "lower")
