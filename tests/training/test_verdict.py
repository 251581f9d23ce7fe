"""Intervals against scipy, outcomes, and the verdict in words."""

from __future__ import annotations

import json
import math
from random import Random

import pytest
from scipy import stats

from app.evaluation.paired_interval import Interval, paired_difference
from app.training.judging.verdict import (
    MeasureVerdict,
    Outcome,
    Scores,
    Verdict,
    outcome_of,
    verdict_of,
)
from app.training.judging.verdict_text import advice, sentence

UP, DOWN, UNSURE = Interval(0.2, 0.1, 0.3), Interval(-0.2, -0.3, -0.1), Interval(0.1, -0.1, 0.3)


@pytest.mark.parametrize("count", [5, 10, 60])
def test_an_interval_of_equal_sizes_is_that_of_a_paired_t_test(count: int) -> None:
    random = Random(count)
    one = [random.gauss(3, 1) for _ in range(count)]
    other = [value - random.gauss(0.5, 0.3) for value in one]
    expected = stats.ttest_rel(one, other).confidence_interval(0.95)
    found = paired_difference(one, other, [1.0] * count)
    assert found.low == pytest.approx(expected.low, rel=5e-3)
    assert found.high == pytest.approx(expected.high, rel=5e-3)


def test_an_interval_covers_the_ratio_of_documents_of_different_sizes() -> None:
    random = Random(1)
    covered = 0
    for _ in range(400):
        sizes = [random.uniform(50, 500) for _ in range(20)]
        differences = [size * 0.1 + random.gauss(0, 8) for size in sizes]
        found = paired_difference(differences, [0.0] * 20, sizes)
        covered += found.low <= 0.1 <= found.high
    assert 0.92 <= covered / 400 <= 0.98


def test_one_document_has_no_interval() -> None:
    assert paired_difference([2.0], [1.0], [1.0]) == Interval(1.0, -math.inf, math.inf)


def measure(gain: Interval, over: Interval) -> MeasureVerdict:
    scores = (Scores("base", None, 2.0, 2.1), Scores("tuned", 1.0, 1.9, 1.9))
    return MeasureVerdict("bits per byte", False, scores, gain, over)


@pytest.mark.parametrize(
    ("gain", "over", "own_prompt", "outcome"),
    [
        (UP, UNSURE, None, Outcome.HELPS),
        (UP, UP, UP, Outcome.HELPS),
        (UP, UP, UNSURE, Outcome.FORM_ONLY),
        (UNSURE, UP, UP, Outcome.NO_HELP),
        (DOWN, UP, UP, Outcome.NO_HELP),
        (UP, DOWN, UP, Outcome.SMALL_ALONE),
        (DOWN, Interval(-0.1, -0.2, -0.05), UP, Outcome.NO_HELP),
    ],
)
def test_outcomes(gain: Interval, over: Interval, own_prompt: Interval, outcome: Outcome) -> None:
    assert outcome_of(measure(gain, over), own_prompt) is outcome


def test_texts_to_avoid_have_outcomes_of_their_own() -> None:
    assert outcome_of(measure(UP, DOWN), None, negative=True) is Outcome.STEERS_AWAY
    assert outcome_of(measure(UNSURE, UP), None, negative=True) is Outcome.NO_HELP


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_verdict_is_said_in_one_sentence_and_survives_json(outcome: Outcome) -> None:
    verdict = Verdict(outcome, 1.5, 18, measure(UP, UNSURE), own_prompt=Interval(0.1, -math.inf, 1))
    said = sentence(verdict)
    assert said.endswith(".")
    assert "18 held-out documents" in said
    assert advice(verdict)
    stored = json.dumps(verdict.as_json(), allow_nan=False)
    assert verdict_of(json.loads(stored)) == verdict


def test_a_gain_in_form_is_not_said_to_be_more_than_was_found() -> None:
    said = sentence(Verdict(Outcome.FORM_ONLY, 1.0, 18, measure(UP, UP), own_prompt=UNSURE))
    assert "no difference to other prompts was found" in said
    assert "as large" not in said


def test_the_sentence_has_the_figures_of_the_deciding_measure() -> None:
    bits, matches = measure(UP, UP), MeasureVerdict("exact match", True, (), UP, UP)
    assert "by 0.200 bits per byte (95%: 0.100 to 0.300)" in sentence(
        Verdict(Outcome.HELPS, 1.0, 18, bits)
    )
    assert "by 20.0 points of exact match" in sentence(
        Verdict(Outcome.HELPS, 1.0, 18, bits, matches)
    )
