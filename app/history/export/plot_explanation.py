"""What a report says below its plots."""

from __future__ import annotations

from app.attribution.attribution import LOW_COVERAGE
from app.attribution.plot_measure import PlotMeasure
from app.attribution.plot_parts import COVERAGE
from app.history.export.alpha_svg import alpha_height
from app.history.export.document import Document
from app.history.export.svg_plots import hidden_names

_AMOUNTS = {
    PlotMeasure.PROBABILITY: "probability",
    PlotMeasure.LOG_PROBABILITY: "log-probability",
}


def plot_explanation(document: Document) -> str:
    """An explanation of the bars, of the coverage and α if they are drawn, and what is hidden."""
    hidden = hidden_names(document)
    parts = [_bars(document), _coverage(document) if COVERAGE not in document.shown.hidden else ""]
    if alpha_height(document):
        parts.append("The strip below has the α that each token was sampled with.")
        if document.skipped:
            parts.append("Where it is marked, the policy of α needed no pair, and none was read.")
    if hidden:
        parts.append(f"Hidden: {', '.join(hidden)}.")
    return " ".join(filter(None, parts))


def _bars(document: Document) -> str:
    if not document.pair_names:
        return ""
    measures = document.shown.plots_of(len(document.pair_names))
    amounts = " or ".join(_AMOUNTS[measure] for measure in measures if measure in _AMOUNTS)
    if not amounts:
        return ""
    return (
        f"A bar above zero is {amounts} that a pair gave to the token, below zero what it took. "
        "The bars of all pairs add up to the difference of base and tuned."
    )


def _coverage(document: Document) -> str:
    measures = document.shown.plots_of(len(document.pair_names))
    if not document.partial or not any(measure.by_pair for measure in measures):
        return ""
    known = (
        "that its server told of; all others were impossible"
        if document.run.recipe.base.is_endpoint
        else "that pairs of another tokenizer know exactly"
    )
    return (
        f"The coverage is the base's probability of the tokens {known}. Where it is below "
        f"{LOW_COVERAGE:.0%}, there is a mark at the upper edge."
    )
