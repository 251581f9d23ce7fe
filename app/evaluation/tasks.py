"""Tasks with their questions and expected answers. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from app.decoding.types import GenerationConfig
from app.evaluation.metrics import Matching
from app.evaluation.requests import GenerateRequest, Prompt, ScoreRequest


class Metric(StrEnum):
    """The metric of a task."""

    MATCH = "match"
    CONTAINS = "contains"
    CHOICE = "choice"
    BITS = "bits"
    CODE = "code"
    COLLECT = "collect"


@dataclass(frozen=True, slots=True)
class Export:
    """The file format of answers for an external scorer.

    Attributes:
        fields: Names and templates of the fields; ``{output}`` is the answer, ``{role}`` the
            variant.
        as_list: Whether the file is one JSON list instead of JSON lines.
    """

    fields: tuple[tuple[str, str], ...]
    as_list: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a task.

    Attributes:
        index: Index from 0.
        prompt: The prompt.
        answers: The accepted answers.
        choices: The choices, for the metric ``choice``.
        gold: Index of the correct choice.
        program: The code before and after the answer, for the metric ``code``.
        exported: The export fields that do not depend on the answer.
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
        name: The name.
        metric: The metric.
        questions: The questions in file order.
        generation: The sampling settings, for metrics that generate.
        samples: Number of answers to each question; their scores are averaged.
        matching: What an exact match compares, for the metric ``match``.
        by_length: Whether choices are compared by log-probability per byte.
        context: Minimum share of the context before a scored token, for long texts without a
            prompt.
        pass_at: The k of pass@k, for the metric ``code``.
        export: The format for an external scorer, or None.
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
        """The name of the score."""
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
        """The task with at most ``limit`` questions."""
        return self if limit is None else replace(self, questions=self.questions[:limit])

    def to_score(self, question: Question) -> list[ScoreRequest]:
        """The scoring requests of a question."""
        texts = question.choices if self.metric is Metric.CHOICE else question.answers[:1]
        return [ScoreRequest(text, question.prompt, self.context) for text in texts]

    def to_generate(self, question: Question) -> list[GenerateRequest]:
        """The generation requests of a question; each sample has its own seed."""
        first = self.generation.seed + question.index * self.samples
        return [
            GenerateRequest(question.prompt, replace(self.generation, seed=first + place))
            for place in range(self.samples)
        ]
