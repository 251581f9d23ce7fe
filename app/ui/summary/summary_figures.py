"""Rows and headings of the tables of the Summary tab."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from app.attribution.summary import BASE, TUNED, Influence, Role, RoleKind, Tally
from app.ui.translation import translate
from app.ui.widgets.figures_model import Cell, Heading
from app.wording import quoted, signed

MOST_TOKENS = 10
"""Number of tokens listed with a positive mean shift, and with a negative one."""
UNKNOWN = "–"

Colors = Mapping[str, int]
"""Index of each pair by name; the index determines the colour."""


def role_title(role: Role) -> str:
    """Name of a role in these tables."""
    return {
        RoleKind.BASE: translate("Summary", "base"),
        RoleKind.TUNED: translate("Summary", "tuned"),
        RoleKind.EXPERT: translate("Summary", "expert {0}"),
        RoleKind.ANTIEXPERT: translate("Summary", "anti-expert {0}"),
    }[role.kind].format(role.pair)


def written(value: float, pattern: str = "{0:.2f}") -> str:
    """A formatted number, or a dash for NaN."""
    return pattern.format(value) if value == value else UNKNOWN


def perplexity(value: float) -> str:
    """A perplexity with about three digits."""
    if math.isinf(value):
        return "∞"
    return written(value, "{0:.2f}" if value < 99.95 else "{0:,.0f}")


def percent(share: float) -> str:
    """A share in percent."""
    return written(100 * share, "{0:.0f} %")


def mean(value: float) -> str:
    """A mean of differences of probability, with its sign."""
    return signed(value) if value == value else UNKNOWN


# Perplexity


def perplexity_headings() -> list[Heading]:
    return [
        Heading(translate("Summary", "role"), number=False),
        Heading(
            translate("Summary", "perplexity"),
            translate("Summary", "exp of the mean surprisal; the bar shows its logarithm."),
        ),
        Heading(
            translate("Summary", "bits/byte"),
            translate("Summary", "Comparable between models with different tokenizers."),
        ),
    ]


def perplexity_rows(tally: Tally, pairs: Sequence[str], colors: Colors) -> list[list[Cell]]:
    """One row for each role with log-probabilities of some tokens."""
    roles = [BASE, TUNED]
    for pair in pairs:
        roles += [Role(RoleKind.EXPERT, pair), Role(RoleKind.ANTIEXPERT, pair)]
    found = [(role, tally.likelihood(role)) for role in roles if role in tally.roles]
    bits = [math.log2(each.perplexity) for _, each in found if math.isfinite(each.perplexity)]
    most = max([*bits, 1e-9])
    rows = []
    for role, likelihood in found:
        value = likelihood.perplexity
        color = colors.get(role.pair)
        length = math.log2(value) / most if math.isfinite(value) else 1.0
        about = ""
        if likelihood.tokens < tally.tokens:
            about = translate("Summary", "Known of {0} of {1} tokens").format(
                f"{likelihood.tokens:,}", f"{tally.tokens:,}"
            )
        rows.append(
            [
                Cell(role_title(role), about, pair=color, marked=True),
                Cell(perplexity(value), about, length, pair=color),
                Cell(written(likelihood.bits_per_byte), about),
            ]
        )
    return rows


# Pairs


def pair_headings() -> list[Heading]:
    return [
        Heading(translate("Summary", "pair"), number=False),
        Heading(
            translate("Summary", "mean"),
            translate("Summary", "Mean contribution to p(tuned) − p(base) of the chosen tokens"),
        ),
        Heading(
            translate("Summary", "mean abs."),
            translate("Summary", "Mean of the absolute contribution"),
        ),
    ]


def pair_rows(tally: Tally, pairs: Sequence[str], colors: Colors) -> list[list[Cell]]:
    """One row for each pair; with several pairs also one for all of them together."""
    known = [(pair, tally.pairs[pair]) for pair in pairs if pair in tally.pairs]
    most = max([each.mean_size for _, each in known] + [abs(tally.mean_shift), 1e-9])
    rows = [
        [
            Cell(pair, pair=colors.get(pair), marked=True),
            Cell(mean(each.mean), "", each.mean / most, True, colors.get(pair)),
            Cell(
                mean(each.mean_size).removeprefix("+"),
                "",
                each.mean_size / most,
                pair=colors.get(pair),
            ),
        ]
        for pair, each in known
    ]
    if len(rows) > 1:
        together = Cell(mean(tally.mean_shift), "", tally.mean_shift / most, True)
        rows.append([Cell(translate("Summary", "together")), together, Cell("")])
    return rows


# Tokens


def influence_headings() -> list[Heading]:
    return [
        Heading(translate("Summary", "token"), number=False),
        Heading(
            translate("Summary", "mean shift"),
            translate("Summary", "Mean of p(tuned) − p(base) where the token was chosen"),
        ),
        Heading(translate("Summary", "times")),
    ]


def influence_rows(influences: Sequence[Influence]) -> list[list[Cell]]:
    """Rows of the tokens with the largest positive and negative mean shifts."""
    raised = [each for each in influences if each.mean_shift > 0][:MOST_TOKENS]
    lowered = [each for each in influences if each.mean_shift < 0][-MOST_TOKENS:]
    shown = raised + lowered
    most = max([abs(each.mean_shift) for each in shown] + [1e-9])
    return [
        [
            Cell(quoted(each.name)),
            Cell(mean(each.mean_shift), "", each.mean_shift / most, True),
            Cell(f"{each.count:,}"),
        ]
        for each in shown
    ]


# Runs side by side


def text_headings(pairs: Sequence[str]) -> list[Heading]:
    fixed = [
        Heading(translate("Summary", "run"), number=False),
        Heading(translate("Summary", "tokens")),
        Heading(
            translate("Summary", "flips"),
            translate("Summary", "Share of tokens whose most probable token changed"),
        ),
        Heading(
            translate("Summary", "tuned"), translate("Summary", "Perplexity under the tuned models")
        ),
        Heading(translate("Summary", "base"), translate("Summary", "Perplexity under the base")),
    ]
    means = [
        Heading(pair, translate("Summary", "Mean contribution of {0}").format(pair))
        for pair in pairs
    ]
    return fixed + means


def text_row(name: str, tally: Tally, pairs: Sequence[str], about: str = "") -> list[Cell]:
    """Row of one run, or of all runs together."""
    means = [tally.pairs[pair].mean if pair in tally.pairs else math.nan for pair in pairs]
    return [
        Cell(name, about or name),
        Cell(f"{tally.tokens:,}"),
        Cell(percent(tally.flipped_share)),
        Cell(perplexity(tally.likelihood(TUNED).perplexity)),
        Cell(perplexity(tally.likelihood(BASE).perplexity)),
        *(Cell(mean(value)) for value in means),
    ]
