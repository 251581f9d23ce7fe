"""The gate: whether the expert helps the base, judged on documents that nothing has seen.

α is chosen on one half of the held-out documents and judged on the other. The questions are asked
as an evaluation, whose answers are stored, so that a gate that was stopped goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.checkpoints.spec import Recipe
from app.decoding.types import GenerationConfig
from app.evaluation.evaluation_run import evaluate
from app.evaluation.loading import ModelLoader
from app.evaluation.metrics import Matching
from app.evaluation.paired_interval import Interval
from app.evaluation.store import ResultFolder
from app.evaluation.tasks import Metric, Question, Task
from app.evaluation.variants import Variant, variants_of
from app.training.adapter.example_encoding import as_read
from app.training.data.documents import Document, Passage
from app.training.data.split import Split
from app.training.judging.document_scores import DocumentScores
from app.training.judging.judged_documents import prompt_of
from app.training.judging.verdict import MeasureVerdict, Scores, Verdict, outcome_of
from app.training.plan.training_plan import ALPHAS, TrainingPlan

_BYTES_PER_TOKEN = 2
_MOST_NEW_TOKENS = 256
_SHARE_OF_DISTINCT_PROMPTS = 0.5
_AFTER_FIRST_LINE = r"(?<=\S)[^\S\r\n]*[\r\n](?s:.*)"
"""All that stands after the first line with text."""
Progress = Callable[[int, int], None]


def judge(
    plan: TrainingPlan,
    recipe: Recipe,
    split: Split,
    folder: ResultFolder,
    models: ModelLoader,
    cancelled: Callable[[], bool] = lambda: False,
    on_progress: Progress = lambda done, total: None,
) -> Verdict:
    """Judge the pair of a recipe on the held-out documents.

    Args:
        plan: What was trained.
        recipe: The recipe with the pair.
        split: The documents.
        folder: Where answers are stored.
        models: Loads the models.
        cancelled: Asked before each chunk and each token.
        on_progress: Called with the number of answers so far, and of all.

    Raises:
        TuneshiftError: The models cannot be loaded, or a document cannot be read.
        Cancelled: ``cancelled`` returned True.
    """
    return _Gate(plan, recipe, split, folder, models, cancelled, on_progress).judge()


class _Gate:
    def __init__(
        self,
        plan: TrainingPlan,
        recipe: Recipe,
        split: Split,
        folder: ResultFolder,
        models: ModelLoader,
        cancelled: Callable[[], bool],
        on_progress: Progress,
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._models = models
        self._cancelled = cancelled
        self._on_progress = on_progress
        self._documents = (*split.choosing, *split.judging)
        self._swapped = self._with_other_prompts(split.judging)
        self._done = self._total = 0
        self._choosing = range(len(split.choosing))
        self._judging = range(len(split.choosing), len(self._documents))
        trained = "antiexpert" if plan.negative else "expert"
        self._base, self._expert, *self._tuned = variants_of(
            recipe, ["base", trained, "tuned"], ALPHAS, lambda name: recipe
        )

    def judge(self) -> Verdict:
        everyone = [self._base, self._expert, *self._tuned]
        tasks = [_task("held-out", Metric.BITS, self._questions(self._documents))]
        if self._plan.match:
            tasks.append(self._match_task())
        places = _places(self._documents)
        self._total = len(everyone) * len(places) * len(tasks) + 2 * len(_places(self._swapped))
        bits, *more = self._ask(tasks, everyone, places)
        deciding = (more or [bits])[0]
        best = self._best_alpha(deciding)
        by_bits = self._verdict(bits, best)
        by_match = self._verdict(more[0], best) if more else None
        own_prompt = self._own_prompt(bits, best)
        outcome = outcome_of(
            by_match or by_bits,
            None if by_match else own_prompt,
            negative=self._plan.negative,
        )
        return Verdict(
            outcome,
            best.scale,
            len(self._judging),
            by_bits,
            by_match,
            own_prompt,
            self._plan.negative,
        )

    @staticmethod
    def _with_other_prompts(documents: Sequence[Document]) -> list[Document]:
        """The documents, each with the prompts of another one; none if few prompts differ."""
        prompts = [passage.prompt for document in documents for passage in document.passages]
        if len(set(filter(None, prompts))) < _SHARE_OF_DISTINCT_PROMPTS * len(prompts):
            return []
        half = len(documents) // 2
        others = [*documents[half:], *documents[:half]]
        return [
            Document(
                document.name,
                tuple(
                    Passage(passage.text, other.passages[place % len(other.passages)].prompt)
                    for place, passage in enumerate(document.passages)
                ),
            )
            for document, other in zip(documents, others, strict=True)
        ]

    def _ask(
        self, tasks: Sequence[Task], variants: Sequence[Variant], places: Sequence[int]
    ) -> list[DocumentScores]:
        """The scores of each task by variant and document.

        Args:
            tasks: The tasks, of the same documents.
            variants: The variants.
            places: The document of each question.
        """
        scores = {task.name: DocumentScores(task, places) for task in tasks}
        answers = evaluate(tasks, variants, self._folder, self._models, cancelled=self._cancelled)
        for answer in answers:
            scores[answer.task.name].add(answer)
            self._done += 1
            self._on_progress(self._done, self._total)
        return list(scores.values())

    def _questions(self, documents: Sequence[Document]) -> list[Question]:
        passages = [passage for document in documents for passage in document.passages]
        return [self._question(place, passage) for place, passage in enumerate(passages)]

    def _question(self, place: int, passage: Passage) -> Question:
        read = as_read(passage, self._plan.small)
        return Question(place, prompt_of(read), (read.text,))

    def _match_task(self) -> Task:
        questions = self._questions(self._documents)
        longest = max(len(question.answers[0].encode()) for question in questions)
        return _task(
            "answers",
            Metric.MATCH,
            questions,
            Matching(self._plan.match, self._plan.match, remove=_removed_from(questions)),
            min(_MOST_NEW_TOKENS, max(8, longest // _BYTES_PER_TOKEN)),
        )

    def _best_alpha(self, scores: DocumentScores) -> Variant:
        """The tuned variant that is best on the choosing half; for texts to avoid, that of α = 1.

        The farther the base is steered away, the less probable such texts are, whatever it costs.
        """
        if self._plan.negative:
            return next(variant for variant in self._tuned if variant.scale == 1.0)
        return max(
            self._tuned,
            key=lambda variant: scores.sign * scores.score(variant, self._choosing),
        )

    def _verdict(self, scores: DocumentScores, best: Variant) -> MeasureVerdict:
        named = [("base", self._base), ("expert", self._expert)]
        named += [("tuned", variant) for variant in self._tuned]
        sign = -1 if self._plan.negative else 1
        return MeasureVerdict(
            scores.task.measured,
            scores.task.higher_is_better,
            tuple(
                Scores(
                    name,
                    variant.scale if name == "tuned" else None,
                    scores.score(variant, self._choosing),
                    scores.score(variant, self._judging),
                    None
                    if variant is self._base
                    else scores.gain(variant, self._base, self._judging, sign),
                )
                for name, variant in named
            ),
            scores.gain(best, self._base, self._judging, sign),
            scores.gain(best, self._expert, self._judging, sign),
        )

    def _own_prompt(self, bits: DocumentScores, best: Variant) -> Interval | None:
        """How much of the gain is lost if each answer follows the prompts of another document."""
        if not self._swapped:
            return None
        task = _task("other-prompts", Metric.BITS, self._questions(self._swapped))
        places = _places(self._swapped, self._judging.start)
        (theirs,) = self._ask([task], [self._base, best], places)
        return bits.gain_beyond(theirs, best, self._base, self._judging)


def _task(
    name: str,
    metric: Metric,
    questions: Sequence[Question],
    matching: Matching = Matching(),  # noqa: B008 — frozen
    most: int = 1,
) -> Task:
    return Task(
        name,
        metric,
        tuple(questions),
        generation=GenerationConfig(temperature=0.0, max_new_tokens=most),
        matching=matching,
    )


def _removed_from(questions: Sequence[Question]) -> str:
    """What is removed from outputs before they are compared, as a regular expression.

    Where no expected answer has a line break, it is all after the first line with text: the base
    has not learned where answers end, and is not judged by the questions that it goes on to write.
    """
    answers = [question.answers[0].strip() for question in questions]
    return "" if any(set(answer) & {"\r", "\n"} for answer in answers) else _AFTER_FIRST_LINE


def _places(documents: Sequence[Document], first: int = 0) -> list[int]:
    """The document of each passage, counted from ``first``."""
    return [place for place, document in enumerate(documents, first) for _ in document.passages]
