"""Tasks: what is asked, and what is right. Imports no torch: the window uses it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from app.decoding.types import GenerationConfig
from app.evaluation.metrics import Matching
from app.evaluation.requests import GenerateRequest, Prompt, ScoreRequest


class Metric(StrEnum):
    """What a task measures."""

    MATCH = "match"
    CONTAINS = "contains"
    CHOICE = "choice"
    BITS = "bits"
    CODE = "code"
    COLLECT = "collect"


@dataclass(frozen=True, slots=True)
class Export:
    """How answers are written for a scorer elsewhere.

    Attributes:
        fields: The fields of each answer, as templates; ``{output}`` is the answer and ``{role}``
            who gave it.
        as_list: Whether the file is one JSON list, or else JSON lines.
    """

    fields: tuple[tuple[str, str], ...]
    as_list: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One line of the data.

    Attributes:
        index: From 0.
        prompt: What is asked.
        answers: What is right; several where any of them is.
        choices: What there is to choose from, for that metric.
        gold: Which of them is right.
        program: What is run before and after the answer, for the metric that runs it.
        exported: Of the task's export, the fields that do not depend on the answer.
    """

    index: int
    prompt: Prompt
    answers: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    gold: int = 0
    program: tuple[str, str] = ("", "")
    exported: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A task with its questions.

    Attributes:
        name: What to call it.
        metric: What it measures.
        questions: In the order of the file.
        generation: How answers are generated, for the metrics that do.
        samples: How many answers to each question; their scores are averaged.
        matching: For that metric, what is compared.
        by_length: Whether choices are compared for each byte.
        context: Share of the context that is before a token of a long text without a prompt.
        pass_at: Of code, in how many samples one has to pass.
        export: How answers are written for a scorer elsewhere, if they are.
    """

    name: str
    metric: Metric
    questions: tuple[Question, ...]
    generation: GenerationConfig = GenerationConfig()  # noqa: RUF009 — frozen
    samples: int = 1
    matching: Matching = Matching()  # noqa: RUF009 — frozen
    by_length: bool = False
    context: float = 0.5
    pass_at: int = 1
    export: Export | None = None

    @property
    def generates(self) -> bool:
        return self.metric not in (Metric.CHOICE, Metric.BITS)

    @property
    def measured(self) -> str:
        """What the score is."""
        return {
            Metric.MATCH: "exact match",
            Metric.CONTAINS: "contains",
            Metric.CHOICE: "accuracy",
            Metric.BITS: "bits per byte",
            Metric.CODE: f"pass@{self.pass_at}",
            Metric.COLLECT: "answered",
        }[self.metric]

    @property
    def higher_is_better(self) -> bool:
        return self.metric is not Metric.BITS

    def first(self, limit: int | None) -> Task:
        """The same with no more than ``limit`` questions."""
        return self if limit is None else replace(self, questions=self.questions[:limit])

    def to_score(self, question: Question) -> list[ScoreRequest]:
        """What has to be scored for a question."""
        texts = question.choices if self.metric is Metric.CHOICE else question.answers[:1]
        return [ScoreRequest(text, question.prompt, self.context) for text in texts]

    def to_generate(self, question: Question) -> list[GenerateRequest]:
        """What has to be generated; every text has noise of its own."""
        first = self.generation.seed + question.index * self.samples
        return [
            GenerateRequest(question.prompt, replace(self.generation, seed=first + place))
            for place in range(self.samples)
        ]
