"""The measures that ``tuneshift inspect`` is asked to show in reports and pictures."""

from __future__ import annotations

import argparse

from app.attribution.measures import Measure, Unit
from app.attribution.plot_measure import PlotMeasure
from app.attribution.tint_scale import Tint, TintScale
from app.cli.conflicting_options import is_given
from app.errors import HistoryError, SettingsError
from app.history.export.shown_measures import USUAL_MEASURES, ShownMeasures

SHOWN_OPTIONS = {
    "tint": ("html",),
    "pair": ("html",),
    "plot": ("html", "svg", "png"),
    "unit": ("html", "svg", "png"),
    "scale": ("html",),
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
    for name, formats in SHOWN_OPTIONS.items():
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
    scale = _scale(options, format_, tint)
    unit = USUAL_MEASURES.unit if scale.unit in (None, Unit.PROBABILITY) else scale.unit
    return ShownMeasures(Tint(tint, pair), scale, plots, unit)


def _scale(options: argparse.Namespace, format_: str, tint: Measure) -> TintScale:
    """The unit and the limit of the colours of a tint."""
    unit = Unit(options.unit) if options.unit else None
    if unit is Unit.PROBABILITY and (unit not in tint.units or format_ != "html"):
        raise SettingsError(
            f"The tint {tint} has no unit probability"
            if format_ == "html"
            else f"--unit probability has no effect in the format {format_}",
            next_step="Choose bits or nats, or give --format html with --tint shift or "
            "contribution.",
        )
    if options.scale is None:
        return TintScale(unit)
    if Unit.RANK in tint.units:
        raise SettingsError(
            "--scale has no effect with this tint, whose colours are classes of ranks",
            next_step="Leave it out, or give another --tint.",
        )
    if options.scale == "auto":
        return TintScale(unit, automatic=True)
    scale = TintScale.from_stored(f"{unit or ''}:{options.scale}")
    if scale.limit is None:
        raise SettingsError(
            f"--scale {options.scale} is neither auto nor a number above 0",
            next_step="Give auto, or the value with the darkest colour, such as 2.5.",
        )
    return scale
