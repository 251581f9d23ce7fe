"""Texts of the plot: entries of its legend, and descriptions of single tokens."""

from __future__ import annotations

from collections.abc import Sequence

from app.attribution.attribution import LOW_COVERAGE
from app.attribution.measures import BIT
from app.attribution.series import AttributionSeries
from app.ui.plot.line_style import BASE_LINE, COVERAGE_LINE, ENTROPY_LINE, KL_LINE, TUNED_LINE
from app.ui.plot.plot_legend import LegendEntry
from app.ui.state.display import BASE, COVERAGE, ENTROPY, KL, SHIFT, TUNED, pair_part
from app.ui.state.runs.run import Run
from app.ui.state.runs.selection import Selection
from app.ui.text.tint_words import bits
from app.ui.text.token_words import describe_range
from app.ui.translation import translate
from app.wording import probability, quoted, signed


def legend_entries(
    pairs: Sequence[str], series: AttributionSeries, *, logarithmic: bool, remote: bool
) -> list[LegendEntry]:
    """Entries of the legend, in order.

    Args:
        pairs: The pairs of the run.
        series: Its numbers.
        logarithmic: Whether the plot shows log-probabilities.
        remote: Whether the base of the run is behind an endpoint.
    """
    return [*_bars(pairs, logarithmic), *_lines(bool(pairs)), *_coverage(series, remote)]


def _bars(pairs: Sequence[str], logarithmic: bool) -> list[LegendEntry]:
    if not pairs:
        return []
    if logarithmic:
        about = translate(
            "Plot", "Shift of the token in bits, all pairs together: log p(tuned) − log p(base)"
        )
        return [LegendEntry(SHIFT, translate("Plot", "shift"), about)]
    about = translate("Plot", "{0}: contribution of this pair to the token's probability")
    return [
        LegendEntry(pair_part(name), name, about.format(name), pair=place)
        for place, name in enumerate(pairs)
    ]


def _lines(has_pairs: bool) -> list[LegendEntry]:
    if not has_pairs:
        alone = translate("Plot", "Probability of the token")
        open_ = translate("Plot", "Entropy of the distribution in bits (right axis)")
        return [
            LegendEntry(TUNED, translate("Plot", "probability"), alone, line=TUNED_LINE),
            LegendEntry(ENTROPY, translate("Plot", "entropy"), open_, line=ENTROPY_LINE),
        ]
    texts = [
        (BASE, translate("Plot", "base"), translate("Plot", "Probability under the base")),
        (TUNED, translate("Plot", "tuned"), translate("Plot", "Probability after tuning")),
        (
            KL,
            translate("Plot", "KL"),
            translate("Plot", "KL(tuned‖base) in bits (right axis)"),
        ),
        (
            ENTROPY,
            translate("Plot", "entropy"),
            translate("Plot", "Entropy of the tuned distribution in bits (right axis)"),
        ),
    ]
    looks = (BASE_LINE, TUNED_LINE, KL_LINE, ENTROPY_LINE)
    return [
        LegendEntry(part, name, about, line=look)
        for (part, name, about), look in zip(texts, looks, strict=True)
    ]


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


def describe_selection(run: Run, selection: Selection, series: AttributionSeries) -> list[str]:
    """Describe the selection: the totals of the range and the numbers of the token."""
    lines = []
    if selection.range is not None and selection.range[1] <= series.count:
        totals = series.totals(*selection.range)
        lines.append(describe_range(run, selection.range, totals))
    if selection.token is not None and selection.token < len(run.tokens):
        lines.append(describe_column(run, selection.token))
    return lines


def describe_column(run: Run, index: int) -> str:
    """Describe one token with all numbers of the plot."""
    text, coverage = _numbers(run, index), run.tokens[index].attribution.coverage
    if coverage is None:
        return text
    with_coverage = (
        translate("Plot", "{0} · ⚠ coverage {1}")
        if coverage < LOW_COVERAGE
        else translate("Plot", "{0} · coverage {1}")
    )
    return with_coverage.format(text, f"{coverage:.1%}")


def _numbers(run: Run, index: int) -> str:
    token = run.tokens[index]
    explained = token.attribution
    shown = quoted(token.text or run.label(token.token_id))
    if run.role is not None:
        return translate("Plot", "{0} {1}: probability {2}, entropy {3}").format(
            f"{index + 1:,}",
            shown,
            probability(explained.p_tuned),
            bits(explained.entropy_tuned / BIT),
        )
    shares = ", ".join(
        f"{name} {signed(share)}"
        for name, share in zip(run.pair_names, explained.contributions, strict=True)
    )
    return translate("Plot", "{0} {1}: base {2} → tuned {3} ({4}) · KL {5}, entropy {6}").format(
        f"{index + 1:,}",
        shown,
        probability(explained.p_base),
        probability(explained.p_tuned),
        shares,
        bits(explained.kl / BIT),
        bits(explained.entropy_tuned / BIT),
    )


def columns_explained() -> str:
    """What is drawn where many tokens have only a few pixels."""
    return translate(
        "Plot",
        "Where many tokens are narrow, neighbours are drawn together: solid bars and lines are "
        "their means,\npale bars the largest of them, pale bands from lowest to highest.",
    )
