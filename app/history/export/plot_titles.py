"""Titles of the measures that the pictures and the HTML report of a run show."""

from __future__ import annotations

from collections.abc import Sequence

from app.attribution.measure_formulas import formula
from app.attribution.measures import Measure, Unit
from app.attribution.plot_measure import PlotMeasure
from app.history.export.shown_measures import ShownMeasures

_TINTS = {
    Measure.SHIFT: "shift",
    Measure.SURPRISAL: "surprisal",
    Measure.BASE_SURPRISAL: "surprisal under the base",
    Measure.KL: "KL(tuned‖base)",
    Measure.ENTROPY: "entropy",
    Measure.RANK: "rank under the base",
    Measure.PROBABILITY: "probability",
    Measure.BASE_PROBABILITY: "probability under the base",
    Measure.BASE_ENTROPY: "entropy of the base",
    Measure.TUNED_RANK: "rank after tuning",
}
_TINTS_ALONE = {**_TINTS, Measure.RANK: "rank"}

_PLOTS = {
    PlotMeasure.PROBABILITY: "Probability shift of each token, by expert pair",
    PlotMeasure.LOG_PROBABILITY: "Log-probability shift of each token, by expert pair, in {unit}",
    PlotMeasure.SURPRISAL: "Surprisal of each token, in {unit}",
    PlotMeasure.KL: "KL(tuned‖base) at each token, in {unit}",
    PlotMeasure.ENTROPY: "Entropy at each token, in {unit}",
    PlotMeasure.RANK: "Rank of each token",
}
_AXES = {
    PlotMeasure.PROBABILITY: "probability",
    PlotMeasure.LOG_PROBABILITY: "log p, {unit}",
    PlotMeasure.SURPRISAL: "surprisal, {unit}",
    PlotMeasure.KL: "KL, {unit}",
    PlotMeasure.ENTROPY: "entropy, {unit}",
    PlotMeasure.RANK: "rank",
}


def tint_title(measure: Measure, pair: int, pairs: Sequence[str]) -> str:
    """The name of a tint.

    Args:
        measure: The measure.
        pair: Index of the pair whose contribution is shown.
        pairs: The names of the pairs; none for the text of one role.
    """
    if measure is Measure.CONTRIBUTION:
        return f"contribution of {pairs[pair]}"
    return (_TINTS if pairs else _TINTS_ALONE)[measure]


def tint_formula(measure: Measure, unit: Unit, *, alone: bool) -> str:
    """What a tint measures in a unit; ``alone`` for the text of one role."""
    words = {
        Measure.CONTRIBUTION: "Shapley value in {0}",
        Measure.RANK: "by {0}",
        Measure.TUNED_RANK: "by {0}",
    }.get(measure, "{0}")
    return words.format(formula(measure, unit, alone=alone))


def plot_title(measures: tuple[PlotMeasure, ...], shown: ShownMeasures) -> str:
    """The title of plots of these measures."""
    first, *others = (_PLOTS[each].format(unit=shown.unit) for each in measures)
    return "; ".join([first, *(other[:1].lower() + other[1:] for other in others)])


def axis_title(measure: PlotMeasure, shown: ShownMeasures) -> str:
    """The title of the axis of a measure, with its unit."""
    return _AXES[measure].format(unit=shown.unit)
