"""The measures that ``tuneshift inspect`` is asked to show in reports and pictures."""

from __future__ import annotations

import argparse

from app.attribution.measures import Measure, Unit
from app.attribution.plot_measure import PlotMeasure
from app.attribution.tint_scale import Tint, TintScale
from app.cli.conflicting_options import is_given
from app.errors import HistoryError, SettingsError
from app.history.export.shown_measures import USUAL_MEASURES, ShownMeasures

_OPTIONS = {
    "tint": ("html",),
    "pair": ("html",),
    "plot": ("html", "svg", "png"),
    "unit": ("html", "svg", "png"),
}
"""The formats in which each option has an effect."""
_MOST_PLOTS = 2


def shown_measures(
    options: argparse.Namespace, format_: str, pairs: tuple[str, ...]
) -> ShownMeasures:
    """The measures to show.

    Args:
        options: The parsed options.
        format_: The format that is written.
        pairs: The names of the pairs of the run.

    Raises:
        SettingsError: An option has no effect, or is given too often.
        HistoryError: The run has no pair of the name.
    """
    for name, formats in _OPTIONS.items():
        if is_given(options, name) and format_ not in formats:
            raise SettingsError(
                f"--{name} has no effect in the format {format_}",
                next_step=f"Leave it out, or choose --format {' or '.join(formats)}.",
            )
    tint = Measure(options.tint or USUAL_MEASURES.tint.measure)
    if options.pair is not None and tint is not Measure.CONTRIBUTION:
        raise SettingsError(
            "--pair has no effect with this tint",
            next_step="Leave it out, or give --tint contribution.",
        )
    plots = tuple(map(PlotMeasure, options.plot or USUAL_MEASURES.plots))
    if len(plots) > _MOST_PLOTS:
        raise SettingsError(
            "More than two plots", next_step=f"Give --plot at most {_MOST_PLOTS} times."
        )
    if options.pair is not None and options.pair not in pairs:
        raise HistoryError(
            f"The run has no pair “{options.pair}”",
            evidence=f"its pairs: {', '.join(pairs) or 'none'}",
            next_step="Give one of its pairs.",
        )
    pair = pairs.index(options.pair) if options.pair is not None else 0
    unit = Unit(options.unit) if options.unit else None
    scale = TintScale(unit)
    return ShownMeasures(Tint(tint, pair), scale, plots, unit or USUAL_MEASURES.unit)
