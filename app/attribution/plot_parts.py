"""Keys of the parts of the plot that can be hidden: the bars of pairs, and lines."""

from __future__ import annotations

from collections.abc import Collection

from app.attribution.plot_measure import PlotMeasure

BASE, TUNED = "base", "tuned"
"""Keys of the lines under the base and after tuning."""
KL, ENTROPY = "kl", "entropy"
"""Keys of the lines with an axis at the right."""
COVERAGE = "coverage"
"""Key of the coverage line: a base behind an endpoint, or a pair of another tokenizer."""

HIDDEN_AT_FIRST = frozenset({KL, ENTROPY})


def pair_part(name: str) -> str:
    """Key of what belongs to a pair: its bars in the plot, and its columns of the candidates."""
    return f"pair:{name}"


def own_plots(measures: Collection[PlotMeasure]) -> frozenset[str]:
    """Keys of the lines with an axis at the right that a plot of their own shows instead."""
    lines = {PlotMeasure.KL: KL, PlotMeasure.ENTROPY: ENTROPY}
    return frozenset(key for measure, key in lines.items() if measure in measures)
