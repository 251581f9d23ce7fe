"""What an evaluation says about policies of alpha, in words."""

from __future__ import annotations

from app.evaluation.policy_verdict import FEWEST_QUESTIONS, PolicyVerdict
from app.ui.translation import translate


def policy_verdict_words(verdict: PolicyVerdict) -> str:
    """The verdict in a sentence, with the interval that it rests on."""
    gain = verdict.gain
    if gain is None:
        return translate(
            "Evaluate", "Too few questions to compare policies of α: at least {0} are needed."
        ).format(FEWEST_QUESTIONS)
    if verdict.is_better:
        found = translate("Evaluate", "A policy of α is better than the best constant.")
    else:
        found = translate("Evaluate", "No policy of α is better than the best constant.")
    figures = translate(
        "Evaluate",
        "The best, {0}, gains {1} over {2} (95%: {3} to {4}; {5} questions that did not choose "
        "them).",
    )
    numbers = (f"{each:+.4f}".replace("-", "−") for each in (gain.value, gain.low, gain.high))
    value, low, high = numbers
    shown = figures.format(
        verdict.policy, value, verdict.constant, low, high, f"{verdict.questions:,}"
    )
    return f"{found} {shown}"
