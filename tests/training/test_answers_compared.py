"""What of the models' outputs is compared with the expected answers, against plain splitting."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.evaluation.evaluation_run import AnsweredQuestion
from app.evaluation.loading import ModelLoader
from app.evaluation.metrics import matches
from app.evaluation.store import ResultFolder
from app.evaluation.tasks import Metric, Task
from app.evaluation.variants import Variant
from app.training.data.documents import Document, Passage
from app.training.data.split import Split, split_documents
from app.training.judging import gate
from app.training.judging.verdict import Verdict
from app.training.plan.training_plan import TrainingPlan

pytestmark = pytest.mark.unit

GOES_ON = (
    "{}\nQuestion: 3+4=\n7",
    "\n{}\n\nAnother: 9",
    "{} \t\r\nNext: 1",
    "{}\r5",
    "It is {}.\n\n\n8\n",
    " {}",
    "1 + 1 = {}\n2",
    "77\n{}",
    "",
    "\n \n",
)


def sums(answer: str) -> Split:
    return split_documents(
        [Document(f"{n}", (Passage(answer.format(n), f"{n}+0="),)) for n in range(60)]
    )


def judged(
    plan: TrainingPlan, split: Split, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> tuple[Verdict, list[tuple[str, str]]]:
    """The verdict where the base goes on to write after its answers.

    Returns:
        It, and the number that is asked for in each judging document with the base's output.
    """
    documents = (*split.choosing, *split.judging)
    outputs = [
        GOES_ON[place % len(GOES_ON)].format(document.name)
        for place, document in enumerate(documents)
    ]

    def answer(
        tasks: Sequence[Task], variants: Sequence[Variant], *_: object, **__: object
    ) -> Iterator[AnsweredQuestion]:
        for task in tasks:
            for variant in variants:
                for question in task.questions:
                    value = 1.0
                    if task.metric is Metric.MATCH and variant.title == "base":
                        output = outputs[question.index]
                        value = float(matches(output, question.answers, task.matching))
                    record: dict[str, Any] = {"index": question.index, "value": value, "size": 1}
                    yield AnsweredQuestion(task, variant, record, cached=False)

    monkeypatch.setattr(gate, "evaluate", answer)
    recipe = plan.recipe(str(folder / "adapter"))
    verdict = gate.judge(plan, recipe, split, ResultFolder(folder), ModelLoader())
    first = len(split.choosing)
    names = [document.name for document in split.judging]
    return verdict, list(zip(names, outputs[first:], strict=True))


def share(found: list[tuple[str, str]], lines: slice) -> float:
    """The share of outputs whose last number in these of its lines with text is the right one."""
    right = 0
    for name, output in found:
        text = [line for line in output.replace("\r", "\n").split("\n") if line.strip()]
        numbers = re.findall("[0-9]+", " ".join(text[lines]))
        right += numbers[-1:] == [name]
    return right / len(found)


def test_a_base_that_goes_on_to_write_is_judged_by_its_first_line(
    plan: TrainingPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = replace(plan, match="[0-9]+")
    verdict, found = judged(numbers, sums("{}"), monkeypatch, tmp_path)
    assert verdict.matches is not None
    base, *_ = verdict.matches.scores
    assert base.judging == pytest.approx(share(found, slice(1)))
    assert share(found, slice(1)) > share(found, slice(None))


def test_answers_of_several_lines_are_compared_as_a_whole(
    plan: TrainingPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = replace(plan, match="[0-9]+")
    verdict, found = judged(numbers, sums("Step 1\nso {}"), monkeypatch, tmp_path)
    assert verdict.matches is not None
    base, *_ = verdict.matches.scores
    assert base.judging == pytest.approx(share(found, slice(None)))


def test_a_line_break_around_the_answers_is_none_in_them(
    plan: TrainingPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = replace(plan, match="[0-9]+")
    verdict, found = judged(numbers, sums("\n{}\n"), monkeypatch, tmp_path)
    assert verdict.matches is not None
    base, *_ = verdict.matches.scores
    assert base.judging == pytest.approx(share(found, slice(1)))
