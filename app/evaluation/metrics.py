"""From answers to scores: pure functions. Imports no torch: the window uses it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.evaluation.requests import Score


@dataclass(frozen=True, slots=True)
class Measure:
    """A mean over samples, its standard error, and how many samples there were.

    ``stderr`` is None where there are too few samples to know it, or the mean is infinite: a text
    holds a token that a role can never generate.
    """

    score: float
    stderr: float | None
    count: int


def ratio(values: Sequence[float], sizes: Sequence[float]) -> Measure:
    """Σ values / Σ sizes; with every size 1, the mean and its usual standard error.

    The standard error is that of a ratio estimator by linearisation. Source: Cochran, Sampling
    Techniques, 3rd edition, equation 6.13, for a population without an end.
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
    """Which share of what direct tuning brings is there without it; None where it brings nothing.

    It is 0 for the base and 1 for the directly tuned model.
    """
    gain = direct - base
    if (gain if higher_is_better else -gain) <= 0:
        return None
    return (tuned - base) / gain


@dataclass(frozen=True, slots=True)
class Matching:
    """How an exact match finds what to compare, in an answer and in what is right.

    Attributes:
        pattern: What is looked for in an answer; its first group, where it has one. Empty for the
            whole answer.
        answer_pattern: The same for what is right.
        last: Whether the last of several finds counts, or the first.
        remove: What is taken out of both before, as a pattern.
    """

    pattern: str = ""
    answer_pattern: str = ""
    last: bool = True
    remove: str = ""

    def found(self, text: str, pattern: str) -> str | None:
        """What is compared, or None where nothing is found."""
        if self.remove:
            text = re.sub(self.remove, "", text)
        if not pattern:
            return _folded(text)
        finds = list(re.finditer(pattern, text))
        if not finds:
            return None
        find = finds[-1 if self.last else 0]
        return _folded(find[1] if find.re.groups and find[1] is not None else find[0])


def matches(output: str, answers: Iterable[str], how: Matching) -> bool:
    """Whether what is found in ``output`` equals what is found in one of ``answers``."""
    found = how.found(output, how.pattern)
    return found is not None and found in [how.found(a, how.answer_pattern) for a in answers]


def contains(output: str, answers: Iterable[str]) -> bool:
    """Whether one of ``answers`` stands in ``output``; case and runs of spaces do not matter."""
    folded = _folded(output)
    return any(_folded(answer) in folded for answer in answers)


def chosen(scores: Sequence[Score], choices: Sequence[str], by_length: bool) -> int:
    """The most probable choice; ``by_length``, for each byte of it."""
    sizes = [len(choice.encode()) if by_length else 1 for choice in choices]
    return max(range(len(scores)), key=lambda place: scores[place].logprob / sizes[place])


def pass_at(k: int, samples: int, passed: int) -> float:
    """How probable it is that one of ``k`` samples out of all of them passes.

    Source: Chen et al., Evaluating Large Language Models Trained on Code, arXiv 2107.03374,
    equation 1.
    """
    return 1.0 - math.comb(samples - passed, k) / math.comb(samples, k)


def bits(score: Score) -> float:
    """The information in a text, in bits."""
    return -score.logprob / math.log(2)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
