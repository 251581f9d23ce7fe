"""Names of the measures of the plot."""

from __future__ import annotations

from app.attribution.measures import Unit
from app.attribution.plot_measure import PlotMeasure
from app.ui.translation import translate
from app.ui.words.unit_words import unit_title


def measure_name(measure: PlotMeasure) -> str:
    """Name of a measure."""
    return {
        PlotMeasure.PROBABILITY: translate("Plot", "Probability by pair"),
        PlotMeasure.LOG_PROBABILITY: translate("Plot", "Log-probability by pair"),
        PlotMeasure.SURPRISAL: translate("Plot", "Surprisal"),
        PlotMeasure.KL: translate("Plot", "KL(tuned‖base)"),
        PlotMeasure.ENTROPY: translate("Plot", "Entropy"),
        PlotMeasure.RANK: translate("Plot", "Rank"),
    }[measure]


def measure_about(measure: PlotMeasure) -> str:
    """One sentence that says what a measure shows."""
    return {
        PlotMeasure.PROBABILITY: translate(
            "Plot", "The bars of a token add up to p(tuned) − p(base)."
        ),
        PlotMeasure.LOG_PROBABILITY: translate(
            "Plot",
            "The bars of a token add up to log p(tuned) − log p(base): α times the pair's "
            "difference of logits, less its Shapley value in the change of the normalizer.",
        ),
        PlotMeasure.SURPRISAL: translate("Plot", "−log p of the token, before and after tuning."),
        PlotMeasure.KL: translate(
            "Plot", "Distance of the tuned distribution from the base's, over the whole vocabulary."
        ),
        PlotMeasure.ENTROPY: translate(
            "Plot", "Uncertainty of the distribution, before and after tuning."
        ),
        PlotMeasure.RANK: translate(
            "Plot", "Rank of the token, before and after tuning, on a logarithmic axis."
        ),
    }[measure]


def line_name(measure: PlotMeasure) -> str:
    """Name of the line of a measure that a run without pairs has."""
    return {
        PlotMeasure.PROBABILITY: translate("Plot", "probability"),
        PlotMeasure.LOG_PROBABILITY: translate("Plot", "log-probability"),
        PlotMeasure.SURPRISAL: translate("Plot", "surprisal"),
        PlotMeasure.KL: translate("Plot", "KL"),
        PlotMeasure.ENTROPY: translate("Plot", "entropy"),
        PlotMeasure.RANK: translate("Plot", "rank"),
    }[measure]


def axis_title(measure: PlotMeasure, unit: Unit) -> str:
    """Title of the axis of a measure, with its unit."""
    name = {
        PlotMeasure.PROBABILITY: translate("Plot", "probability"),
        PlotMeasure.LOG_PROBABILITY: translate("Plot", "log p, {0}"),
        PlotMeasure.SURPRISAL: translate("Plot", "surprisal, {0}"),
        PlotMeasure.KL: translate("Plot", "KL, {0}"),
        PlotMeasure.ENTROPY: translate("Plot", "entropy, {0}"),
        PlotMeasure.RANK: translate("Plot", "rank"),
    }[measure]
    return name.format(unit_title(unit))
