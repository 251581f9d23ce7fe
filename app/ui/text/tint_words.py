"""What the tints are called and how their numbers are written."""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.attribution.measures import RANK_CLASSES, Measure, Reduction, rank_class
from app.ui.state.display import Tint
from app.ui.state.texts.token_groups import Grouping
from app.ui.translation import translate
from app.wording import signed

_LARGEST_FACTOR = 9_999_500
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def tints(pairs: Sequence[str]) -> list[Tint]:
    """Every tint there is with these pairs; the contributions come last, so that keys stay."""
    alike = [Tint(measure) for measure in Measure if measure is not Measure.CONTRIBUTION]
    return alike + [Tint(Measure.CONTRIBUTION, pair) for pair in range(len(pairs))]


def tint_title(tint: Tint, pairs: Sequence[str]) -> str:
    """What a tint is called on a text with these pairs."""
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


def tint_explanation(tint: Tint) -> str:
    """What a tint measures, in a sentence."""
    return {
        Measure.SHIFT: translate(
            "Tints", "log p(tuned) − log p(base): one bit is a factor of 2 in probability."
        ),
        Measure.CONTRIBUTION: translate(
            "Tints",
            "The pair's share of p(tuned) − p(base): its colour where it gave, grey where it took.",
        ),
        Measure.SURPRISAL: translate("Tints", "−log p of the token that was chosen."),
        Measure.BASE_SURPRISAL: translate("Tints", "−log p(base) of the token that was chosen."),
        Measure.KL: translate(
            "Tints", "How far the whole distribution is from the base's, over all tokens."
        ),
        Measure.ENTROPY: translate("Tints", "How open the choice was, over all tokens."),
        Measure.RANK: translate("Tints", "The place of the token, the most probable being 1."),
    }[tint.measure]


def reduction_title(reduction: Reduction) -> str:
    """How a group's number is made of those of its tokens."""
    return {
        Reduction.SUM: translate("Tints", "sum"),
        Reduction.MEAN: translate("Tints", "mean"),
        Reduction.HIGHEST: translate("Tints", "highest"),
    }[reduction]


def grouping_title(grouping: Grouping) -> str:
    """What a grouping is called, after the name of a tint."""
    return {
        Grouping.TOKEN: translate("Tints", "by token"),
        Grouping.WORD: translate("Tints", "by word"),
        Grouping.SENTENCE: translate("Tints", "by sentence"),
        Grouping.LINE: translate("Tints", "by line"),
    }[grouping]


def number(value: float, *, sign: bool = False) -> str:
    """A number in three digits or so; ∞ where it is infinite, and a dash where it is none."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        text = "∞" if value > 0 else "−∞"
        return f"+{text}" if sign and value > 0 else text
    digits = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    text = f"{value:{'+' if sign else ''}.{digits}f}"
    return text.replace("-", "−") if float(text) else "0"


def bits(value: float, *, sign: bool = False) -> str:
    """An amount of information with its unit."""
    return translate("Tints", "{0} bits").format(number(value, sign=sign))


def factor(shift: float) -> str:
    """A shift in bits as a factor in probability: ``×4.3`` or ``÷4.3``."""
    if math.isnan(shift) or math.isinf(shift):
        return {math.inf: "×∞", -math.inf: "÷∞"}.get(shift, "–")
    sign, size = ("÷" if shift < 0 else "×"), abs(shift)
    if size > math.log2(_LARGEST_FACTOR):
        return f"{sign}10{f'{size * math.log10(2):.0f}'.translate(_RAISED)}"
    value = 2**size
    return f"{sign}{float(f'{value:.3g}'):,.0f}" if value >= 99.5 else f"{sign}{value:.3g}"


def tint_value(tint: Tint, value: float) -> str:
    """The number of a tint with its unit."""
    match tint.measure:
        case Measure.SHIFT:
            shift = bits(value, sign=True)
            return translate("Tints", "{0} ({1})").format(shift, factor(value))
        case Measure.CONTRIBUTION:
            return translate("Tints", "{0} in probability").format(signed(value))
        case Measure.RANK:
            return translate("Tints", "{0} ({1})").format(f"{value:,.0f}", class_title(value))
        case _:
            return bits(value)


def class_title(rank: float) -> str:
    """The class that a rank is in."""
    place = rank_class(rank)
    if place < len(RANK_CLASSES):
        return translate("Tints", "top {0}").format(f"{RANK_CLASSES[place]:,}")
    return translate("Tints", "beyond")
