"""Whether a policy of alpha is better than the best constant alpha. Imports no torch.

Every second question chooses the best constant and the best policy, and the others judge them, so
that the many that were tried do not make one of them look better than it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.evaluation.metrics import ratio
from app.evaluation.paired_interval import Interval, paired_difference
from app.evaluation.store import Record
from app.evaluation.variants import Variant

FEWEST_QUESTIONS = 8
"""Questions of a task below which nothing is judged."""
_ROUNDING = 1e-5
"""A gain that the rounding of batches explains."""


@dataclass(frozen=True, slots=True)
class PolicyVerdict:
    """What the questions of one task say about policies of alpha.

    Attributes:
        constant: The title of the best variant with a constant alpha.
        policy: The title of the best variant with another policy.
        gain: How much better the policy is than the constant, on the judging questions; None where
            there are too few.
        questions: How many questions judge.
    """

    constant: str
    policy: str
    gain: Interval | None
    questions: int

    @property
    def is_better(self) -> bool:
        """Whether the policy is better than the constant, beyond chance."""
        return self.gain is not None and self.gain.low > _ROUNDING

    def __str__(self) -> str:
        if self.gain is None:
            return (
                f"Too few questions to compare policies of alpha: at least {FEWEST_QUESTIONS} are "
                "needed."
            )
        gain = self.gain
        figures = (
            f"the best, {self.policy}, gains {gain.value:+.4f} over {self.constant} "
            f"(95%: {gain.low:+.4f} to {gain.high:+.4f}, {self.questions:,} questions that did not "
            "choose them)"
        )
        if self.is_better:
            return f"A policy of alpha is better than the best constant: {figures}."
        return f"No policy of alpha is better than the best constant: {figures}."

    def as_json(self) -> dict[str, Any]:
        """Plain data; numbers that are not known are null."""
        gain = self.gain
        return {
            "constant": self.constant,
            "policy": self.policy,
            "gain": None if gain is None else _finite(gain.value),
            "low": None if gain is None else _finite(gain.low),
            "high": None if gain is None else _finite(gain.high),
            "questions": self.questions,
            "better": self.is_better,
        }


def policy_verdict(
    answers: Mapping[Variant, Sequence[Record]], *, higher_is_better: bool
) -> PolicyVerdict | None:
    """Compare the best policy with the best constant alpha.

    Args:
        answers: The records of the variants; only those of tuned variants count, and only questions
            that all of these have answered.
        higher_is_better: Whether higher scores are better.

    Returns:
        None without a policy, or before all variants have an answer in common.
    """
    policies = [each for each in answers if each.kind == "tuned" and not each.policy.is_constant]
    constants = [each for each in answers if each.kind == "tuned" and each.policy.is_constant]
    if not (policies and constants):
        return None
    tuned = {
        variant: {int(record["index"]): record for record in answers[variant]}
        for variant in (*policies, *constants)
    }
    common = sorted(set.intersection(*(set(records) for records in tuned.values())))
    if not common:
        return None
    sign = 1 if higher_is_better else -1
    choosing, judging = common[::2], common[1::2]

    def column(variant: Variant, key: str, questions: Sequence[int]) -> list[float]:
        return [float(tuned[variant][question][key]) for question in questions]

    def score(variant: Variant) -> float:
        values, sizes = (column(variant, key, choosing) for key in ("value", "size"))
        return sign * ratio(values, sizes).score

    best, other = max(policies, key=score), max(constants, key=score)
    gain = None
    if len(common) >= FEWEST_QUESTIONS:
        gain = paired_difference(
            [sign * value for value in column(best, "value", judging)],
            [sign * value for value in column(other, "value", judging)],
            column(best, "size", judging),
        )
    return PolicyVerdict(other.title, best.title, gain, len(judging))


def policy_verdict_of(values: dict[str, Any] | None) -> PolicyVerdict | None:
    """The verdict of :meth:`PolicyVerdict.as_json`; None where there was none."""
    if values is None:
        return None
    gain = None
    if values["gain"] is not None:
        low, high = values["low"], values["high"]
        gain = Interval(
            values["gain"], -math.inf if low is None else low, math.inf if high is None else high
        )
    return PolicyVerdict(values["constant"], values["policy"], gain, values["questions"])


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
