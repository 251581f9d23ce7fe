"""The scores of an evaluation by document, which is what documents are compared by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from app.evaluation.evaluation_run import AnsweredQuestion
from app.evaluation.paired_interval import Interval, paired_difference
from app.evaluation.tasks import Task
from app.evaluation.variants import Variant


class DocumentScores:
    """Values and sizes of each document under each variant, summed over its passages.

    Args:
        task: The task.
        documents: The document of each question.
    """

    def __init__(self, task: Task, documents: Sequence[int]) -> None:
        self.task = task
        self._documents = documents
        self._values: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
        self._sizes: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))

    @property
    def sign(self) -> int:
        """1 if higher scores are better, otherwise −1."""
        return 1 if self.task.higher_is_better else -1

    def add(self, answer: AnsweredQuestion) -> None:
        """Add the answer to one question."""
        document = self._documents[answer.record["index"]]
        self._values[answer.variant.title][document] += float(answer.record["value"])
        self._sizes[answer.variant.title][document] += float(answer.record["size"])

    def score(self, variant: Variant, documents: Iterable[int]) -> float:
        """The score of a variant on these documents together."""
        places = list(documents)
        values, sizes = self._values[variant.title], self._sizes[variant.title]
        return sum(values[place] for place in places) / sum(sizes[place] for place in places)

    def gain(
        self, tuned: Variant, other: Variant, documents: Sequence[int], sign: int = 1
    ) -> Interval:
        """How much better ``tuned`` is than ``other``; worse, with ``sign`` −1."""
        direction = sign * self.sign
        return paired_difference(
            [direction * self._values[tuned.title][place] for place in documents],
            [direction * self._values[other.title][place] for place in documents],
            [self._sizes[tuned.title][place] for place in documents],
        )

    def gain_beyond(
        self, others: DocumentScores, tuned: Variant, base: Variant, documents: Sequence[int]
    ) -> Interval:
        """How much larger the gain over the base is here than in ``others``."""

        def gains(scores: DocumentScores) -> list[float]:
            tuned_values, base_values = scores._values[tuned.title], scores._values[base.title]
            return [self.sign * (tuned_values[d] - base_values[d]) for d in documents]

        sizes = [self._sizes[tuned.title][place] for place in documents]
        return paired_difference(gains(self), gains(others), sizes)
