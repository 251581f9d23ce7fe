import json
import math
import random
import re
from itertools import combinations
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.checkpoints.spec import Recipe
from app.cli.eval_report import results_table
from app.evaluation.metrics import (
    Matching,
    bits,
    chosen,
    contains,
    gap_closed,
    matches,
    pass_at,
    ratio,
)
from app.evaluation.requests import Score
from app.evaluation.results import TaskResults, as_json, result_of
from app.evaluation.task_files import read_task, task_file
from app.evaluation.variants import Variant

values = st.lists(st.floats(0, 1), min_size=2, max_size=40)


@given(values)
def test_with_every_size_1_it_is_the_mean_and_its_standard_error(scores: list[float]) -> None:
    found = ratio(scores, [1.0] * len(scores))
    assert found.score == pytest.approx(fmean(scores))
    assert found.stderr == pytest.approx(stdev(scores) / math.sqrt(len(scores)), abs=1e-9)
    assert found.count == len(scores)


@pytest.mark.slow
def test_the_standard_error_of_a_ratio_is_that_of_resampling() -> None:
    source = random.Random(1)
    sizes = [source.uniform(20, 300) for _ in range(300)]
    scores = [size * source.gauss(2.0, 0.4) for size in sizes]
    found = ratio(scores, sizes)
    resampled = []
    for _ in range(2000):
        chosen_places = [source.randrange(300) for _ in range(300)]
        resampled.append(
            sum(scores[place] for place in chosen_places)
            / sum(sizes[place] for place in chosen_places)
        )
    assert found.stderr == pytest.approx(stdev(resampled), rel=0.1)


def test_what_can_never_be_generated_is_infinite_and_still_json() -> None:
    records = [{"value": value, "size": 1} for value in (1.0, math.inf, 2.0)]
    variant = Variant("base", Recipe, "base", 0)  # type: ignore[arg-type]
    found = result_of(variant, records)
    assert (found.measure.score, found.measure.stderr) == (math.inf, None)
    table = TaskResults("task", "bits per byte", False, (found,))
    assert as_json([table])[0]["results"][0]["score"] is None
    json.dumps(as_json([table]), allow_nan=False)
    assert "inf" in results_table([table])


def test_shares_of_pairs_of_another_vocabulary_are_means_over_the_same_answers() -> None:
    variant = Variant("tuned", Recipe, "tuned")  # type: ignore[arg-type]
    answer = {"value": 1.0, "size": 1}
    new = [{**answer, "coverage": 0.5, "bounded": 0.3}, {**answer, "coverage": 0.7, "bounded": 0.1}]
    found = result_of(variant, [*new, answer])
    assert (found.coverage, found.bounded) == pytest.approx((0.6, 0.2))
    resumed = result_of(variant, [*new, {**answer, "coverage": 0.9}])  # by an older version
    assert resumed.coverage == pytest.approx(0.7)
    assert resumed.bounded is None
    assert result_of(variant, [answer]).coverage is None


def test_one_answer_has_no_standard_error() -> None:
    assert ratio([3.0], [2.0]).stderr is None


@given(st.floats(-5, 5), st.floats(1e-3, 5), st.floats(-1, 2), st.booleans())
def test_the_gap_is_0_at_the_base_and_1_at_the_directly_tuned(
    base: float, gain: float, share: float, higher_is_better: bool
) -> None:
    direct = base + gain if higher_is_better else base - gain
    tuned = base + share * (direct - base)
    assert gap_closed(base, tuned, direct, higher_is_better) == pytest.approx(share, abs=1e-6)
    assert gap_closed(base, tuned, direct, not higher_is_better) is None
    assert gap_closed(base, tuned, base, higher_is_better) is None


@pytest.mark.parametrize(
    ("output", "expected", "how", "right"),
    [
        ("It is 42.", "42", Matching(r"\d+"), True),
        ("first 41 then 42", "42", Matching(r"\d+"), True),
        ("first 41 then 42", "41", Matching(r"\d+", last=False), True),
        ("none", "42", Matching(r"\d+"), False),
        ("Answer: (B) of course", "b", Matching(r"\((\w)\)"), True),
        ("  Paris \n", "paris", Matching(), True),
        ("Paris, I think", "paris", Matching(), False),
        ("1,234", "1234", Matching(r"\d+", remove=r"(?<=\d),(?=\d)"), True),
    ],
)
def test_what_matches(output: str, expected: str, how: Matching, right: bool) -> None:
    assert matches(output, [expected], how) == right


def test_the_paper_s_reading_of_gsm8k_answers(tmp_path) -> None:
    (tmp_path / "d.jsonl").write_text(
        '{"question": "?", "answer": "so 3 * 4 = <<3*4=12>>12\\n#### 1,012"}'
    )
    path = task_file("gsm8k-zero-shot")
    assert path is not None
    task = read_task(path, tmp_path / "d.jsonl")
    (question,) = task.questions
    texts = [
        "It makes $1,012.",
        "12 and 1012 apples",
        "-1012",
        "1,012.50",
        "1013",
        "many",
        "#### 1012",
    ]
    for text in texts:
        # As the paper's script has it.
        plain = re.sub(r"(\d),(\d)", r"\1\2", text)
        numbers = re.findall(r"[-+]?\d*\.\d+|\d+", plain)
        prediction = numbers[-1] if numbers else plain
        assert matches(text, question.answers, task.matching) == (prediction == "1012"), text


def test_what_is_contained() -> None:
    assert contains("The capital is  PARIS, of\ncourse", ["Berlin", "paris, of course"])
    assert not contains("The capital is Rome", ["Berlin", "Paris"])


def test_the_most_probable_choice_is_chosen() -> None:
    scores = [Score(-4.0, False, 2), Score(-5.0, False, 9)]
    choices = ("no", "certainly")
    assert chosen(scores, choices, by_length=False) == 0
    assert chosen(scores, choices, by_length=True) == 1


@given(st.integers(1, 7), st.data())
def test_pass_at_k_counts_the_choices_of_k_samples(samples: int, data: st.DataObject) -> None:
    passed = data.draw(st.integers(0, samples))
    k = data.draw(st.integers(1, samples))
    choices = list(combinations([True] * passed + [False] * (samples - passed), k))
    expected = sum(any(choice) for choice in choices) / len(choices)
    assert pass_at(k, samples, passed) == pytest.approx(expected)


def test_bits_are_binary_digits() -> None:
    assert bits(Score(math.log(1 / 8), False, 1)) == pytest.approx(3)
