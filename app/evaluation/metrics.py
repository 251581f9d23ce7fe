"""Metrics: pure functions from answers to scores. Imports no torch."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.evaluation.requests import Score


@dataclass(frozen=True, slots=True)
class Measure:
    """A mean over samples, its standard error, and the number of samples.

    ``stderr`` is None for fewer than two samples, or if the mean is infinite, because a text
    contains a token of probability 0.
    """

    score: float
    stderr: float | None
    count: int


def ratio(values: Sequence[float], sizes: Sequence[float]) -> Measure:
    """Σ values / Σ sizes; if all sizes are 1, the mean and its standard error.

    The standard error is that of a ratio estimator by linearisation. Source: Cochran, Sampling
    Techniques, 3rd edition, equation 6.13, for an infinite population.
    """
    count, total = len(values), sum(sizes)
    score = sum(values) / total
    if count < 2 or not math.isfinite(score):
        return Measure(score, None, count)
    errors = (value - score * size for value, size in zip(values, sizes, strict=True))
    variance = sum(error * error for error in errors) / (count - 1)
    return Measure(score, math.sqrt(variance * count) / total, count)


def gap_closed(
    base: float, tuned: float, direct: float, higher_is_better: bool = True
) -> float | None:
    """The share of the gain of direct tuning that proxy-tuning reaches; None without a gain.

    It is 0 for the base and 1 for the directly tuned model.
    """
    gain = direct - base
    if (gain if higher_is_better else -gain) <= 0:
        return None
    return (tuned - base) / gain


@dataclass(frozen=True, slots=True)
class Matching:
    """How an exact match extracts the compared text from an output and from the expected answer.

    Attributes:
        pattern: Regular expression to search in an output; its first group is compared, if it has
            one. Empty for the whole output.
        answer_pattern: The same for the expected answer.
        last: Whether to use the last match of several, or the first.
        remove: Regular expression of text to remove from both before the search.
    """

    pattern: str = ""
    answer_pattern: str = ""
    last: bool = True
    remove: str = ""

    def found(self, text: str, pattern: str) -> str | None:
        """The text to compare, or None if the pattern does not match."""
        if self.remove:
            text = re.sub(self.remove, "", text)
        if not pattern:
            return _normalized(text)
        finds = list(re.finditer(pattern, text))
        if not finds:
            return None
        find = finds[-1 if self.last else 0]
        return _normalized(find[1] if find.re.groups and find[1] is not None else find[0])


def matches(output: str, answers: Iterable[str], how: Matching) -> bool:
    """Whether the text found in ``output`` equals the one found in any of ``answers``."""
    found = how.found(output, how.pattern)
    return found is not None and found in [how.found(a, how.answer_pattern) for a in answers]


def contains(output: str, answers: Iterable[str]) -> bool:
    """Whether ``output`` contains any of ``answers``, ignoring case and whitespace differences."""
    folded = _normalized(output)
    return any(_normalized(answer) in folded for answer in answers)


def chosen(scores: Sequence[Score], choices: Sequence[str], by_length: bool) -> int:
    """Index of the most probable choice; with ``by_length``, by log-probability per byte."""
    sizes = [len(choice.encode()) if by_length else 1 for choice in choices]
    return max(range(len(scores)), key=lambda place: scores[place].logprob / sizes[place])


def pass_at(k: int, samples: int, passed: int) -> float:
    """An unbiased estimate of pass@k: the probability that at least one of ``k`` samples passes.

    Source: Chen et al., Evaluating Large Language Models Trained on Code, arXiv 2107.03374,
    equation 1.
    """
    return 1.0 - math.comb(samples - passed, k) / math.comb(samples, k)


def bits(score: Score) -> float:
    """The information content of a text, in bits."""
    return -score.logprob / math.log(2)


def _normalized(text: str) -> str:
    return " ".join(text.split()).casefold()
