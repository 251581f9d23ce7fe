"""The verdict on an expert in words, and what to try next."""

from __future__ import annotations

import math

from app.evaluation.paired_interval import Interval
from app.training.judging.verdict import MeasureVerdict, Outcome, Scores, Verdict
from app.training.messages.training_events import Trained
from app.ui.translation import translate
from app.wording import factor


def short_verdict(verdict: Verdict) -> str:
    """The outcome in a few words."""
    texts = {
        Outcome.HELPS: translate("Verdict", "It helps"),
        Outcome.FORM_ONLY: translate("Verdict", "It may have learned their form only"),
        Outcome.SMALL_ALONE: translate("Verdict", "The small model alone is better"),
        Outcome.NO_HELP: translate("Verdict", "It does not help"),
        Outcome.STEERS_AWAY: translate("Verdict", "It steers away"),
    }
    return texts[verdict.outcome]


def verdict_sentence(verdict: Verdict) -> str:
    """The verdict in a sentence, with its figures."""
    texts = {
        Outcome.HELPS: translate(
            "Verdict",
            "It helps: the tuned model is better than the base by {0}, at α = {1} on {2} held-out "
            "documents.",
        ),
        Outcome.FORM_ONLY: translate(
            "Verdict",
            "It is not shown to help with what answers say: the gain is {0}, at α = {1} on {2} "
            "held-out documents, but no difference to other prompts was found. It may have learned "
            "their form only.",
        ),
        Outcome.SMALL_ALONE: translate(
            "Verdict",
            "The small model alone is better than the tuned model by {0}, at α = {1} on {2} "
            "held-out documents.",
        ),
        Outcome.STEERS_AWAY: translate(
            "Verdict",
            "It steers away: such texts have become less probable by {0}, at α = {1} on {2} "
            "held-out documents.",
        ),
        Outcome.NO_HELP: translate(
            "Verdict",
            "It does not help: the difference to the base is {0}, at α = {1} on {2} held-out "
            "documents.",
        ),
    }
    deciding = verdict.deciding
    gain = deciding.gain
    if verdict.outcome is Outcome.SMALL_ALONE:
        over = deciding.over_expert
        gain = Interval(-over.value, -over.high, -over.low)
    return texts[verdict.outcome].format(
        amount_words(gain, deciding), factor(verdict.alpha, "g"), verdict.documents
    )


def advice_words(verdict: Verdict) -> str:
    """What to try next."""
    texts = {
        Outcome.HELPS: translate("Verdict", "Use the recipe with α = {0}."),
        Outcome.FORM_ONLY: translate(
            "Verdict",
            "If their form is what you want, use it. Otherwise check that each answer belongs to "
            "its prompt, and add examples.",
        ),
        Outcome.SMALL_ALONE: translate(
            "Verdict", "Use the small model with its adapter alone, or try a larger base."
        ),
        Outcome.STEERS_AWAY: translate(
            "Verdict", "Evaluate on texts that you want to keep: a large α harms them, too."
        ),
        Outcome.NO_HELP: translate(
            "Verdict",
            "Add more documents of the same kind, look at the preview for what is trained on, or "
            "train a larger small model.",
        ),
    }
    return texts[verdict.outcome].format(factor(verdict.alpha, "g"))


def own_prompt_words(verdict: Verdict) -> str:
    """How much of the gain needs the own prompts; empty if there are none."""
    if verdict.own_prompt is None:
        return ""
    return translate(
        "Verdict",
        "Where answers follow other prompts, the gain is smaller by {0}.",
    ).format(amount_words(verdict.own_prompt, verdict.bits))


def worse_words(trained: Trained | None) -> str:
    """A warning about a training that made the small model worse; else empty."""
    if trained is None or trained.best_loss <= trained.first_loss:
        return ""
    return translate(
        "Verdict",
        "Training made the small model worse: its held-out loss was {0} before, and at best {1} "
        "after step {2}. A smaller learning rate may help.",
    ).format(f"{trained.first_loss:.3f}", f"{trained.best_loss:.3f}", f"{trained.step:,}")


def measure_words(measure: MeasureVerdict) -> str:
    """The name of a measure."""
    if measure.higher_is_better:
        return translate("Verdict", "exact match")
    return translate("Verdict", "bits per byte")


def amount_words(interval: Interval, measure: MeasureVerdict) -> str:
    """A difference of scores with its interval, such as “0.12 bits per byte (95%: …)”."""
    if measure.higher_is_better:
        form = translate("Verdict", "{0} points of exact match (95%: {1} to {2})")
        value, low, high = (_number(100 * each, 1) for each in _parts(interval))
    else:
        form = translate("Verdict", "{0} bits per byte (95%: {1} to {2})")
        value, low, high = (_number(each, 3) for each in _parts(interval))
    return form.format(value, low, high)


def gain_words(interval: Interval, measure: MeasureVerdict) -> str:
    """A gain with the ends of its interval, without words for what they are."""
    percent = measure.higher_is_better
    scale, digits = (100, 1) if percent else (1, 3)
    value, low, high = (_number(scale * each, digits) for each in _parts(interval))
    return translate("Verdict", "{0} ({1} to {2})").format(value, low, high)


def variant_words(scores: Scores) -> str:
    """The name of what was scored."""
    if scores.variant == "base":
        return translate("Verdict", "base")
    if scores.variant == "expert":
        return translate("Verdict", "small model with its adapter")
    return translate("Verdict", "tuned, α = {0}").format(factor(scores.alpha or 0.0, "g"))


def score_words(score: float, measure: MeasureVerdict) -> str:
    """A score with the usual number of digits."""
    return f"{100 * score:.1f}%" if measure.higher_is_better else f"{score:.4f}"


def _parts(interval: Interval) -> tuple[float, float, float]:
    return interval.value, interval.low, interval.high


def _number(value: float, digits: int) -> str:
    if not math.isfinite(value):
        return "−∞" if value < 0 else "∞"
    return f"{value:.{digits}f}".replace("-", "−")
