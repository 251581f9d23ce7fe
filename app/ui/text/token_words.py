"""Descriptions of a token, a group and a range of tokens, for tool tips and screen readers."""

from __future__ import annotations

from html import escape

from app.attribution.measures import BIT, Reduction
from app.attribution.series import RangeTotals
from app.decoding.types import WhatIfToken
from app.ui.state.number_units import Units
from app.ui.state.runs.run import Run
from app.ui.state.runs.what_if_questions import WhatIf
from app.ui.text.tint_words import factor, reduction_title, tint_title, tint_value
from app.ui.text.token_tints import TokenTints
from app.ui.translation import translate
from app.ui.words.token_counts import token_count
from app.ui.words.unit_words import contribution, information
from app.wording import probability, quoted

_LONGEST_QUOTE = 60


def what_if_tokens(run: Run, what_if: WhatIf | None) -> dict[int, WhatIfToken]:
    """The tokens that differ at the alphas of ``what_if``, by index in the run."""
    if what_if is None or what_if.run is not run:
        return {}
    return {choice.index: choice for choice in what_if.choices}


def describe(run: Run, tints: TokenTints, token: int, what_if: WhatIf | None) -> str:
    """Describe the group that contains ``token``, or the token itself without grouping."""
    first, end = tints.range_of(token)
    if end - first == 1:
        return describe_token(run, tints, token, what_if)
    text = "".join(each.text for each in run.tokens[first:end])
    totals = tints.series.totals(first, end)
    lines = [
        quoted(text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 2] + " …"),
        _tinted(run, tints, token),
        *describe_totals(run, totals, tints.units),
    ]
    others = [i for i in what_if_tokens(run, what_if) if first <= i < end]
    if others:
        told = translate("Tokens", "Different tokens at the α of the what-if bar: {0}")
        lines.append(told.format(f"{len(others):,}"))
    return "\n".join(lines)


def describe_as_html(run: Run, tints: TokenTints, token: int, what_if: WhatIf | None) -> str:
    """The same as :func:`describe`, for a tool tip; the texts of tokens are escaped."""
    quote, number, *others = escape(describe(run, tints, token, what_if)).splitlines()
    return f"<qt>{'<br>'.join((quote, f'<b>{number}</b>', *others))}</qt>"


def describe_token(run: Run, tints: TokenTints, index: int, what_if: WhatIf | None) -> str:
    """Describe one token: first the number of the tint, then probabilities and contributions."""
    token = run.tokens[index]
    explained = token.attribution
    lines = [quoted(token.text or run.label(token.token_id)), _tinted(run, tints, index)]
    if run.role is None:
        lines.append(
            translate("Tokens", "base {0} → tuned {1}, rank {2} → {3}").format(
                probability(explained.p_base),
                probability(explained.p_tuned),
                explained.rank_base,
                explained.rank_tuned,
            )
        )
    else:
        lines.append(
            translate("Tokens", "probability {0}, rank {1}").format(
                probability(explained.p_tuned), explained.rank_tuned
            )
        )
    shares = zip(
        run.pair_names, explained.contributions, explained.logprob_contributions, strict=True
    )
    unit = tints.units.contributions
    lines += [f"{name} {contribution(share, in_logs, unit)}" for name, share, in_logs in shares]
    if explained.flipped:
        lines.append(translate("Tokens", "Flip: the experts changed the most probable token."))
    choice = what_if_tokens(run, what_if).get(index)
    if choice is not None and what_if is not None:
        alphas = ", ".join(f"{alpha:g}" for alpha in what_if.alphas)
        other = translate("Tokens", "At α {0}: {1}")
        lines.append(other.format(alphas, quoted(run.label(choice.token_id))))
    if token.forced:
        lines.append(translate("Tokens", "Given, not sampled."))
    return "\n".join(lines)


def describe_totals(run: Run, totals: RangeTotals, units: Units) -> list[str]:
    """Totals of a group or a range, one line for each number."""
    lines = [token_count(totals.tokens)]
    if run.role is not None:
        return lines
    shift = totals.shift / BIT
    shares = zip(run.pair_names, totals.contributions, totals.logprob_contributions, strict=True)
    lines += [f"{name} {contribution(p, log, units.contributions)}" for name, p, log in shares]
    lines.append(
        translate("Tokens", "shift {0} ({1})").format(
            information(totals.shift, units.information, sign=True), factor(shift)
        )
    )
    lines.append(translate("Tokens", "flips: {0}").format(f"{totals.flips:,}"))
    lines.append(
        translate("Tokens", "mean KL {0}").format(information(totals.mean_kl, units.information))
    )
    return lines


def describe_range(run: Run, chosen: tuple[int, int], totals: RangeTotals, units: Units) -> str:
    """Describe a range and its totals in one line."""
    first, end = chosen
    place = translate("Tokens", "tokens {0}–{1}").format(f"{first + 1:,}", f"{end:,}")
    return " · ".join([place, *describe_totals(run, totals, units)[1:]])


def _tinted(run: Run, tints: TokenTints, token: int) -> str:
    """The number of the tint; for a group also how the numbers of its tokens were combined."""
    title = tint_title(tints.tint, run.pair_names)
    value = tint_value(tints.tint, tints.value(token), tints.scale.unit)
    first, end = tints.range_of(token)
    if tints.reduction is None or end - first == 1:
        return translate("Tokens", "{0}: {1}").format(title, value)
    how = reduction_title(tints.reduction or Reduction.SUM)
    return translate("Tokens", "{0}, {1} of {2} tokens: {3}").format(title, how, end - first, value)
