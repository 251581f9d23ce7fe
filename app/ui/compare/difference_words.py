"""What two compared runs make of the tokens that both have, in words."""

from __future__ import annotations

import math
from collections.abc import Callable

from app.attribution.explained_token import ExplainedToken
from app.attribution.measures import BIT
from app.evaluation.paired_interval import Interval
from app.evaluation.run_comparison import RunDifference, SharedTokens
from app.ui.translation import translate
from app.ui.words.unit_words import bits, number
from app.wording import quoted


def describe_shared(shared: SharedTokens) -> str:
    """The difference at the tokens with which both runs begin."""
    count, changed = f"{len(shared.bits):,}", f"{len(shared.changed):,}"
    if shared.interval is None:
        return translate(
            "CompareDialog",
            "The probabilities of the {0} shared tokens have no finite difference; another "
            "token is most probable at {1} of them.",
        ).format(count, changed)
    if shared.interval.value < 0:
        said = translate(
            "CompareDialog",
            "B gives the {0} shared tokens {1} less than A on average{2}; the mean absolute "
            "difference is {3}, and another token is most probable at {4} of them.",
        )
    else:
        said = translate(
            "CompareDialog",
            "B gives the {0} shared tokens {1} more than A on average{2}; the mean absolute "
            "difference is {3}, and another token is most probable at {4} of them.",
        )
    return said.format(count, *_amounts(shared, shared.interval), changed)


def describe_aligned(found: RunDifference, count: int) -> str:
    """The difference at the tokens that are aligned again, of ``count`` after the parting."""
    places = f"{found.covered:,}", f"{count:,}", f"{len(found.stretches):,}"
    said = translate(
        "CompareDialog",
        "After they part, {0} of {1} tokens of B are aligned with A again; stretches: {2}.",
    ).format(*places)
    if found.aligned is None or found.aligned.interval is None:
        return said
    if found.aligned.interval.value < 0:
        amount = translate(
            "CompareDialog",
            "{0} B gives them {1} less than A on average{2}; the mean absolute difference is {3}, "
            "and another token is most probable at {4} of them.",
        )
    else:
        amount = translate(
            "CompareDialog",
            "{0} B gives them {1} more than A on average{2}; the mean absolute difference is {3}, "
            "and another token is most probable at {4} of them.",
        )
    return amount.format(
        said, *_amounts(found.aligned, found.aligned.interval), f"{len(found.aligned.changed):,}"
    )


def describe_match(one: ExplainedToken, other: ExplainedToken, label: Callable[[int], str]) -> str:
    """A token of A with its counterpart in B; ``label`` is the text of a token id."""
    before, after = one.attribution, other.attribution
    more = (after.logprob_tuned - before.logprob_tuned) / BIT
    if more < 0:
        said = translate(
            "CompareDialog", "{0}: token {1} of A, token {2} of B · B gives it {3} less"
        )
    else:
        said = translate(
            "CompareDialog", "{0}: token {1} of A, token {2} of B · B gives it {3} more"
        )
    said = said.format(
        quoted(one.text or label(one.token_id)),
        f"{one.index + 1:,}",
        f"{other.index + 1:,}",
        bits(abs(more)),
    )
    if before.argmax_tuned == after.argmax_tuned:
        return said
    return translate("CompareDialog", "{0} · most probable: A {1}, B {2}").format(
        said, *(quoted(label(each.argmax_tuned)) for each in (before, after))
    )


def _amounts(shared: SharedTokens, mean: Interval) -> tuple[str, str, str]:
    """The size of the mean, its interval, and the mean of the absolute differences."""
    return bits(abs(mean.value)), _between(mean), bits(shared.mean_absolute)


def _between(interval: Interval) -> str:
    """The interval of B less A in brackets; empty where it cannot be estimated."""
    if not math.isfinite(interval.low):
        return ""
    return translate("CompareDialog", " (B − A, 95%: {0} to {1})").format(
        number(interval.low, sign=True), number(interval.high, sign=True)
    )
