"""Titles of the measures that the pictures and the HTML report of a run show."""

from __future__ import annotations

from app.attribution.measures import Measure
from app.attribution.plot_measure import PlotMeasure
from app.history.export.shown_measures import ShownMeasures

TINTS = {
    Measure.SHIFT: "shift",
    Measure.CONTRIBUTION: "contribution of {pair}",
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
"""The name of each tint; that of contributions has a place for the name of the pair."""

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


def plot_title(measures: tuple[PlotMeasure, ...], shown: ShownMeasures) -> str:
    """The title of plots of these measures."""
    first, *others = (_PLOTS[each].format(unit=shown.unit) for each in measures)
    return "; ".join([first, *(other[:1].lower() + other[1:] for other in others)])


def axis_title(measure: PlotMeasure, shown: ShownMeasures) -> str:
    """The title of the axis of a measure, with its unit."""
    return _AXES[measure].format(unit=shown.unit)
