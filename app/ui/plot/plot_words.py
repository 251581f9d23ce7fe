"""Texts of the plot: entries of its legend, and descriptions of single tokens."""

from __future__ import annotations

from collections.abc import Sequence

from app.attribution.attribution import LOW_COVERAGE
from app.attribution.measures import Unit, in_unit
from app.attribution.plot_measure import PlotMeasure
from app.attribution.plot_parts import (
    BASE,
    COVERAGE,
    ENTROPY,
    KL,
    TUNED,
    own_plots,
    pair_part,
)
from app.attribution.series import AttributionSeries
from app.ui.plot.line_style import BASE_LINE, COVERAGE_LINE, ENTROPY_LINE, KL_LINE, TUNED_LINE
from app.ui.plot.measure_words import line_name, measure_name
from app.ui.plot.plot_legend import LegendEntry
from app.ui.state.number_units import Units
from app.ui.state.runs.run import Run
from app.ui.state.runs.selection import Selection
from app.ui.text.token_words import describe_range
from app.ui.translation import translate
from app.ui.words.unit_words import contribution, information, number
from app.wording import probability, quoted, signed


def legend_entries(
    pairs: Sequence[str],
    series: AttributionSeries,
    measures: Sequence[PlotMeasure],
    *,
    remote: bool,
) -> list[LegendEntry]:
    """Entries of the legend, in order.

    Args:
        pairs: The pairs of the run.
        series: Its numbers.
        measures: What the plot shows.
        remote: Whether the base of the run is behind an endpoint.
    """
    by_pair = any(measure.by_pair for measure in measures)
    entries = _bars(pairs, measures) if by_pair else []
    of_lines = [measure for measure in measures if measure.has_lines]
    if of_lines:
        entries += _lines() if pairs else [_line(of_lines)]
    if by_pair:
        apart = own_plots(measures)
        entries += [entry for entry in _amounts(bool(pairs)) if entry.part not in apart]
        entries += _coverage(series, remote)
    return entries


def _bars(pairs: Sequence[str], measures: Sequence[PlotMeasure]) -> list[LegendEntry]:
    if PlotMeasure.LOG_PROBABILITY not in measures:
        about = translate("Plot", "{0}: contribution of this pair to the token's probability")
    elif PlotMeasure.PROBABILITY not in measures:
        about = translate("Plot", "{0}: contribution of this pair to the token's log-probability")
    else:
        about = translate(
            "Plot",
            "{0}: contribution of this pair to the token's probability and to its log-probability",
        )
    return [
        LegendEntry(pair_part(name), name, about.format(name), pair=place)
        for place, name in enumerate(pairs)
    ]


def _line(measures: Sequence[PlotMeasure]) -> LegendEntry:
    """Entry of the lines of a run without pairs, one in each plot."""
    name = ", ".join(map(line_name, measures))
    alone = translate("Plot", "The distribution that the token was sampled from")
    return LegendEntry(TUNED, name, alone, line=TUNED_LINE)


def _lines() -> list[LegendEntry]:
    return [
        LegendEntry(
            BASE, translate("Plot", "base"), translate("Plot", "Under the base"), line=BASE_LINE
        ),
        LegendEntry(
            TUNED, translate("Plot", "tuned"), translate("Plot", "After tuning"), line=TUNED_LINE
        ),
    ]


def _amounts(has_pairs: bool) -> list[LegendEntry]:
    """Entries of the lines with an axis at the right."""
    kl = translate("Plot", "KL(tuned‖base) (right axis)")
    entropy = (
        translate("Plot", "Entropy of the tuned distribution (right axis)")
        if has_pairs
        else translate("Plot", "Entropy of the distribution (right axis)")
    )
    entries = [LegendEntry(ENTROPY, translate("Plot", "entropy"), entropy, line=ENTROPY_LINE)]
    if has_pairs:
        entries.insert(0, LegendEntry(KL, translate("Plot", "KL"), kl, line=KL_LINE))
    return entries


def _coverage(series: AttributionSeries, remote: bool) -> list[LegendEntry]:
    """Entry of the coverage if the run has one, with a warning sign if it is low at some token."""
    if not series.partial:
        return []
    thin = bool(series.thin.any())
    name = translate("Plot", "⚠ coverage") if thin else translate("Plot", "coverage")
    about = (
        translate(
            "Plot",
            "Base probability of the tokens that the server returned; no other token can be "
            "generated. A mark at the upper edge means less than {0}",
        )
        if remote
        else translate(
            "Plot",
            "Base probability of the tokens that pairs of another tokenizer know exactly; of "
            "others they know at most the first piece. A mark at the upper edge means less "
            "than {0}",
        )
    ).format(f"{LOW_COVERAGE:.0%}")
    return [LegendEntry(COVERAGE, name, about, line=COVERAGE_LINE)]


def token_text(run: Run, index: int) -> str:
    """A token at the axis: its text in quotation marks, or its label if it has no text."""
    token = run.tokens[index]
    return quoted(token.text or run.label(token.token_id))


def describe_bar(run: Run, index: int, unit: Unit) -> str:
    """Describe one token for a tool tip: what it is, and its numbers by pair.

    Args:
        run: The run.
        index: The token.
        unit: Bits or nats.
    """
    explained = run.tokens[index].attribution
    named = translate("Plot", "{0} · token {1}").format(token_text(run, index), f"{index + 1:,}")
    if run.role is not None:
        alone = translate("Plot", "probability {0} · entropy {1} · rank {2}")
        entropy = information(explained.entropy_tuned, unit)
        p, rank = probability(explained.p_tuned), f"{explained.rank_tuned:,}"
        return "\n".join([named, alone.format(p, entropy, rank)])
    shares = zip(
        run.pair_names, explained.contributions, explained.logprob_contributions, strict=True
    )
    by_pair = translate("Plot", "{0}: {1} in probability, {2}")
    return "\n".join(
        [
            named,
            translate("Plot", "base {0} → tuned {1} ({2})").format(
                probability(explained.p_base),
                probability(explained.p_tuned),
                information(explained.shift, unit, sign=True),
            ),
            *(
                by_pair.format(name, signed(share), information(in_log, unit, sign=True))
                for name, share, in_log in shares
            ),
            translate("Plot", "KL {0} · entropy {1} → {2} · rank {3} → {4}").format(
                information(explained.kl, unit),
                number(in_unit(explained.entropy_base, unit)),
                information(explained.entropy_tuned, unit),
                f"{explained.rank_base:,}",
                f"{explained.rank_tuned:,}",
            ),
        ]
    )


def describe_selection(
    run: Run, selection: Selection, series: AttributionSeries, units: Units
) -> list[str]:
    """Describe the selection: the totals of the range and the numbers of the token."""
    lines = []
    if selection.range is not None and selection.range[1] <= series.count:
        totals = series.totals(*selection.range)
        lines.append(describe_range(run, selection.range, totals, units))
    if selection.token is not None and selection.token < len(run.tokens):
        lines.append(describe_column(run, selection.token, units))
    return lines


def describe_column(run: Run, index: int, units: Units) -> str:
    """Describe one token with all numbers of the plot."""
    text, explained = _numbers(run, index, units), run.tokens[index].attribution
    coverage = explained.coverage
    if coverage is None:
        return text
    with_coverage = (
        translate("Plot", "{0} · ⚠ coverage {1}")
        if coverage < LOW_COVERAGE
        else translate("Plot", "{0} · coverage {1}")
    )
    text = with_coverage.format(text, f"{coverage:.1%}")
    if explained.bounded is None or explained.unknown is None:
        return text
    return translate("Plot", "{0}, first piece {1}, no opinion {2}").format(
        text, f"{explained.bounded:.1%}", f"{explained.unknown:.1%}"
    )


def _numbers(run: Run, index: int, units: Units) -> str:
    token = run.tokens[index]
    explained = token.attribution
    shown = quoted(token.text or run.label(token.token_id))
    if run.role is not None:
        return translate("Plot", "{0} {1}: probability {2}, entropy {3}").format(
            f"{index + 1:,}",
            shown,
            probability(explained.p_tuned),
            information(explained.entropy_tuned, units.information),
        )
    shares = ", ".join(
        f"{name} {contribution(share, in_logs, units.contributions)}"
        for name, share, in_logs in zip(
            run.pair_names, explained.contributions, explained.logprob_contributions, strict=True
        )
    )
    return translate("Plot", "{0} {1}: base {2} → tuned {3} ({4}) · KL {5}, entropy {6}").format(
        f"{index + 1:,}",
        shown,
        probability(explained.p_base),
        probability(explained.p_tuned),
        shares,
        information(explained.kl, units.information),
        information(explained.entropy_tuned, units.information),
    )


def needs_pairs(measure: PlotMeasure) -> str:
    """Says why the plot of a run without pairs is empty."""
    about = translate(
        "Plot", "{0} compares the tuned distribution with the base's; this run has no pairs."
    )
    return about.format(measure_name(measure))


def columns_explained() -> str:
    """What is drawn where many tokens have only a few pixels."""
    return translate(
        "Plot",
        "Where many tokens are narrow, neighbours are drawn together: solid bars and lines are "
        "their means,\npale bars the largest of them, pale bands from lowest to highest.",
    )
