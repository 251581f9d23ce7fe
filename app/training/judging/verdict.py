"""The verdict on an expert: does it help the base? Imports no torch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from app.evaluation.paired_interval import Interval


class Outcome(StrEnum):
    """What the held-out documents say."""

    HELPS = "helps"
    FORM_ONLY = "form only"
    SMALL_ALONE = "the small model alone is better"
    NO_HELP = "does not help"
    STEERS_AWAY = "steers away"


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one variant on both halves of the held-out documents.

    Attributes:
        variant: ``base``, ``expert`` or ``tuned``.
        alpha: The α of a tuned variant, or None.
        choosing: Its score on the half that chooses α.
        judging: Its score on the half that judges.
        gain: How much better it is than the base on the half that judges; for texts to steer away
            from, how much less probable they are. None for the base.
    """

    variant: str
    alpha: float | None
    choosing: float
    judging: float
    gain: Interval | None = None


@dataclass(frozen=True, slots=True)
class MeasureVerdict:
    """What one measure says, on the judging half unless noted.

    Attributes:
        measured: The name of the measure: ``bits per byte`` or ``exact match``.
        higher_is_better: Whether higher scores are better.
        scores: The scores of all variants.
        gain: How much better the tuned model is than the base.
        over_expert: How much better it is than the expert alone.
    """

    measured: str
    higher_is_better: bool
    scores: tuple[Scores, ...]
    gain: Interval
    over_expert: Interval


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict.

    Attributes:
        outcome: The verdict in a word.
        alpha: The α that is best on the choosing half.
        documents: The number of documents of the judging half.
        bits: The verdict by bits per byte.
        matches: The verdict by exact match, if answers are compared; it then decides.
        own_prompt: How much of the gain in bits per byte is lost where answers follow the prompts
            of other documents; None if there are no prompts.
        negative: Whether the texts are what to steer away from.
    """

    outcome: Outcome
    alpha: float
    documents: int
    bits: MeasureVerdict
    matches: MeasureVerdict | None = None
    own_prompt: Interval | None = None
    negative: bool = False

    @property
    def deciding(self) -> MeasureVerdict:
        """The measure that decides."""
        return self.matches or self.bits

    def as_json(self) -> dict[str, Any]:
        """Plain data; bounds that are not known are null."""
        found: dict[str, Any] = _finite(asdict(self))
        return found


def outcome_of(
    deciding: MeasureVerdict, own_prompt: Interval | None, *, negative: bool = False
) -> Outcome:
    """The outcome by the measure that decides.

    Args:
        deciding: The measure. For texts to steer away from, the gain is how much less probable
            they have become.
        own_prompt: See :class:`Verdict`; None if another measure than bits per byte decides.
        negative: Whether the texts are what to steer away from.
    """
    if negative:
        return Outcome.STEERS_AWAY if deciding.gain.is_above_zero else Outcome.NO_HELP
    if deciding.over_expert.is_below_zero:
        return Outcome.SMALL_ALONE if _expert_gains(deciding) else Outcome.NO_HELP
    if not deciding.gain.is_above_zero:
        return Outcome.NO_HELP
    if own_prompt is not None and not own_prompt.is_above_zero:
        return Outcome.FORM_ONLY
    return Outcome.HELPS


def _expert_gains(deciding: MeasureVerdict) -> bool:
    """Whether the expert alone is better than the base."""
    return deciding.gain.value - deciding.over_expert.value > 0


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def verdict_of(values: dict[str, Any]) -> Verdict:
    """The verdict of :meth:`Verdict.as_json`."""
    own_prompt, matches = values["own_prompt"], values["matches"]
    return Verdict(
        Outcome(values["outcome"]),
        values["alpha"],
        values["documents"],
        _measure(values["bits"]),
        None if matches is None else _measure(matches),
        None if own_prompt is None else _interval(own_prompt),
        values["negative"],
    )


def _measure(values: dict[str, Any]) -> MeasureVerdict:
    return MeasureVerdict(
        values["measured"],
        values["higher_is_better"],
        tuple(map(_scores, values["scores"])),
        _interval(values["gain"]),
        _interval(values["over_expert"]),
    )


def _scores(values: dict[str, Any]) -> Scores:
    gain = values.get("gain")
    return Scores(**{**values, "gain": None if gain is None else _interval(gain)})


def _interval(values: dict[str, Any]) -> Interval:
    low, high = values["low"], values["high"]
    return Interval(
        values["value"], -math.inf if low is None else low, math.inf if high is None else high
    )
