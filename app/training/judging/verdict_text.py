"""The verdict in a sentence, and what to try next. Imports no torch."""

from __future__ import annotations

from app.evaluation.paired_interval import Interval
from app.training.judging.verdict import MeasureVerdict, Outcome, Verdict


def sentence(verdict: Verdict) -> str:
    """The verdict in one sentence, with its figures."""
    gain = amount(verdict.deciding, verdict.deciding.gain)
    where = f"at α = {verdict.alpha:g} on {verdict.documents} held-out documents"
    over = amount(verdict.deciding, _opposite(verdict.deciding.over_expert))
    match verdict.outcome:
        case Outcome.HELPS:
            return f"It helps: the tuned model is better than the base by {gain}, {where}."
        case Outcome.FORM_ONLY:
            return (
                f"It is not shown to help with what answers say: the gain is {gain}, {where}, but "
                "no difference to other prompts was found. It may have learned their form only."
            )
        case Outcome.SMALL_ALONE:
            return f"The small model alone is better than the tuned model by {over}, {where}."
        case Outcome.STEERS_AWAY:
            return f"It steers away: such texts have become less probable by {gain}, {where}."
        case Outcome.NO_HELP:
            return f"It does not help: the difference to the base is {gain}, {where}."


def advice(verdict: Verdict) -> str:
    """What to try next."""
    match verdict.outcome:
        case Outcome.HELPS:
            return f"Use the recipe with α = {verdict.alpha:g}."
        case Outcome.FORM_ONLY:
            return (
                "If their form is what you want, use it. Otherwise check that each answer belongs "
                "to its prompt, and add examples."
            )
        case Outcome.SMALL_ALONE:
            return "Use the small model with its adapter alone, or try a larger base."
        case Outcome.STEERS_AWAY:
            return "Evaluate on texts that you want to keep: a large α harms them, too."
        case Outcome.NO_HELP:
            return (
                "Add more documents of the same kind, look at the preview for what is trained on, "
                "or train a larger small model."
            )


def amount(measure: MeasureVerdict, interval: Interval) -> str:
    """A difference with its interval, such as ``0.12 bits per byte (95%: 0.08 to 0.16)``."""
    if measure.higher_is_better:
        value, low, high = (
            f"{100 * number:.1f}" for number in (interval.value, interval.low, interval.high)
        )
        return f"{value} points of {measure.measured} (95%: {low} to {high})".replace("-", "−")
    value, low, high = (f"{each:.3f}" for each in (interval.value, interval.low, interval.high))
    return f"{value} {measure.measured} (95%: {low} to {high})".replace("-", "−")


def _opposite(interval: Interval) -> Interval:
    return Interval(-interval.value, -interval.high, -interval.low)
