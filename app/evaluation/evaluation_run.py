"""Running an evaluation: reads stored answers, generates the missing ones and stores them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from app.attribution.class_shifts import ShiftedToken
from app.checkpoints.spec import Recipe
from app.decoding.coverage import Coverage, mean_coverage
from app.evaluation.batch_generation import GeneratedAnswer
from app.evaluation.code_execution import passes
from app.evaluation.evaluator import Evaluator
from app.evaluation.identity import fingerprints, model_identity
from app.evaluation.loading import ModelLoader
from app.evaluation.metrics import bits, chosen, contains, matches, pass_at
from app.evaluation.processes import Processes
from app.evaluation.requests import Score
from app.evaluation.served_evaluator import ServedEvaluator
from app.evaluation.store import Record, ResultFolder, key_of
from app.evaluation.tasks import Metric, Question, Task
from app.evaluation.variants import Variant


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """The answer of one variant to one question.

    Attributes:
        task: The task.
        variant: The variant.
        record: The stored record: question, answer, and ``value`` and ``size``, whose sums give the
            score.
        cached: Whether the answer was already stored.
    """

    task: Task
    variant: Variant
    record: Record
    cached: bool


def evaluate(
    tasks: Sequence[Task],
    variants: Sequence[Variant],
    folder: ResultFolder,
    models: ModelLoader,
    batch_size: int | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    processes: Processes | None = None,
) -> Iterator[AnsweredQuestion]:
    """Answer every question with every variant, except for answers that are already stored.

    Models are loaded only if answers are missing, and once for each recipe. Answers are stored
    before they are yielded.

    Args:
        tasks: The tasks.
        variants: The variants.
        folder: The folder for answers.
        models: Loads models.
        batch_size: Number of sequences in a batch; None for as many as fit into memory.
        cancelled: Called before each prefill chunk and each token.
        processes: The process group, if several processes share the questions.

    Yields:
        Stored answers, then new answers, then answers of other processes.

    Raises:
        TuneshiftError: A recipe cannot be loaded, a question cannot be encoded, or an answer cannot
            be stored.
        Cancelled: ``cancelled`` returned True.
    """
    processes = processes or Processes()
    groups = [_Group(recipe, variants, tasks, folder, processes) for recipe in _recipes(variants)]
    for group in groups:
        yield from group.cached()
    for group in groups:
        if group.missing:
            evaluator = models.evaluator(group.recipe, batch_size, cancelled)
            yield from group.ask(evaluator)
    if processes.count > 1:
        processes.wait()
        for group in groups:
            yield from group.from_other_processes()


def _recipes(variants: Sequence[Variant]) -> list[Recipe]:
    return [
        variant.recipe
        for place, variant in enumerate(variants)
        if variant.recipe not in [earlier.recipe for earlier in variants[:place]]
    ]


class _Group:
    """The evaluation of all variants of one recipe."""

    def __init__(
        self,
        recipe: Recipe,
        variants: Sequence[Variant],
        tasks: Sequence[Task],
        folder: ResultFolder,
        processes: Processes,
    ) -> None:
        self._owns = processes.owns
        self.recipe = recipe
        self._variants = [variant for variant in variants if variant.recipe == recipe]
        self._tasks = tasks
        prints = fingerprints(recipe)
        self._files = {
            (task.name, variant.title): folder.answers(task.name, variant.title)
            for task in tasks
            for variant in self._variants
        }
        self._keys = {
            (task.name, variant.title): [
                key_of(*model_identity(variant, prints), *_question_identity(task, question))
                for question in task.questions
            ]
            for task in tasks
            for variant in self._variants
        }
        self._answers = {place: file.read(self._keys[place]) for place, file in self._files.items()}

    @property
    def missing(self) -> bool:
        """Whether this process has questions to answer."""
        return any(
            self._is_mine(task, variant, question)
            for task in self._tasks
            for variant in self._variants
            for question in task.questions
        )

    def cached(self) -> Iterator[AnsweredQuestion]:
        for task in self._tasks:
            for variant in self._variants:
                place = task.name, variant.title
                for key in self._keys[place]:
                    if key in self._answers[place]:
                        yield AnsweredQuestion(
                            task, variant, self._answers[place][key], cached=True
                        )

    def from_other_processes(self) -> Iterator[AnsweredQuestion]:
        """Answers that other processes have stored since this evaluation was started."""
        for task in self._tasks:
            for variant in self._variants:
                place = task.name, variant.title
                there = self._answers[place]
                found = self._files[place].read(set(self._keys[place]) - there.keys())
                there.update(found)
                yield from (
                    AnsweredQuestion(task, variant, record, cached=True)
                    for record in found.values()
                )

    def ask(self, evaluator: Evaluator | ServedEvaluator) -> Iterator[AnsweredQuestion]:
        for task in self._tasks:
            if task.generates:
                for variant in self._variants:
                    yield from self._generate(evaluator, task, variant)
            else:
                yield from self._score(evaluator, task)

    def _generate(
        self, evaluator: Evaluator | ServedEvaluator, task: Task, variant: Variant
    ) -> Iterator[AnsweredQuestion]:
        left = [q for q in task.questions if self._is_mine(task, variant, q)]
        requests = [(q, request) for q in left for request in task.to_generate(q)]
        texts: dict[int, dict[int, GeneratedAnswer]] = {q.index: {} for q in left}
        for place, found in evaluator.generate([request for _, request in requests], variant):
            question, request = requests[place]
            texts[question.index][request.config.seed] = found
            if len(texts[question.index]) == task.samples:
                outputs = [of for _, of in sorted(texts.pop(question.index).items())]
                yield self._keep(task, variant, question, _judge_answers(task, question, outputs))

    def _score(
        self, evaluator: Evaluator | ServedEvaluator, task: Task
    ) -> Iterator[AnsweredQuestion]:
        left = [q for q in task.questions if any(self._is_mine(task, v, q) for v in self._variants)]
        requests = [(q, request) for q in left for request in task.to_score(q)]
        found: dict[int, dict[int, list[Score]]] = {q.index: {} for q in left}
        for place, scores in evaluator.score([request for _, request in requests], self._variants):
            question, _ = requests[place]
            own = found[question.index]
            own[place] = scores
            if len(own) == len(task.to_score(question)):
                in_order = [scores for _, scores in sorted(found.pop(question.index).items())]
                for variant, of_variant in zip(
                    self._variants, zip(*in_order, strict=True), strict=True
                ):
                    if self._is_missing(task, variant, question):
                        judged = _judge_scores(task, question, of_variant)
                        yield self._keep(task, variant, question, judged)

    def _is_mine(self, task: Task, variant: Variant, question: Question) -> bool:
        return self._owns(question.index) and self._is_missing(task, variant, question)

    def _is_missing(self, task: Task, variant: Variant, question: Question) -> bool:
        place = task.name, variant.title
        return self._keys[place][question.index] not in self._answers[place]

    def _keep(
        self, task: Task, variant: Variant, question: Question, judged: Record
    ) -> AnsweredQuestion:
        place = task.name, variant.title
        key = self._keys[place][question.index]
        record = {
            "key": key,
            "index": question.index,
            "prompt": question.prompt.plain,
            "expected": list(question.answers),
            **judged,
        }
        self._files[place].append([record])
        self._answers[place][key] = record
        return AnsweredQuestion(task, variant, record, cached=False)


def _question_identity(task: Task, question: Question) -> tuple[Any, ...]:
    asked = task.to_generate(question) if task.generates else task.to_score(question)
    how = [task.metric, asdict(task.matching), task.by_length, task.pass_at]
    content = asdict(replace(question, exported=()))
    del content["exported"]  # the export format does not affect the answer
    requests = [asdict(request) for request in asked]
    for request in requests:
        request.get("config", {}).pop("alpha_policy", None)  # the variant has the policy
    return requests, content, how


def _judge_answers(task: Task, question: Question, generated: Sequence[GeneratedAnswer]) -> Record:
    outputs = [text.text for text in generated]
    more: Record = {"output": outputs, "cut": any(text.truncated for text in generated)}
    if any(text.shifted for text in generated):
        more["shifted"] = [[_rounded(token) for token in text.shifted] for text in generated]
    more |= _coverage([text.coverage for text in generated])
    if task.metric is Metric.MATCH:
        more["found"] = [task.matching.found(text, task.matching.pattern) for text in outputs]
        right = [matches(text, question.answers, task.matching) for text in outputs]
    elif task.metric is Metric.CODE:
        before, after = question.program
        more["passed"] = right = [passes(f"{before}{text}{after}") for text in outputs]
        value = pass_at(task.pass_at, len(right), sum(right))
        return {**more, "value": value, "size": 1}
    elif task.metric is Metric.COLLECT:
        right = [bool(text.strip()) for text in outputs]
    else:
        right = [contains(text, question.answers) for text in outputs]
    return {**more, "value": sum(right) / len(right), "size": 1}


def _coverage(known: Sequence[Coverage | None]) -> Record:
    """The mean coverage, where a pair has another vocabulary."""
    mean = mean_coverage(known)
    if mean is None:
        return {}
    return {"coverage": round(mean.exact, 6), "bounded": round(mean.bounded, 6)}


def _rounded(token: ShiftedToken) -> list[str | float]:
    text, base, tuned = token
    return [text, round(base, 6), round(tuned, 6)]


def _judge_scores(task: Task, question: Question, scores: Sequence[Score]) -> Record:
    coverages = [
        None if score.covered is None else score.covered / score.tokens for score in scores
    ]
    if task.metric is Metric.BITS:
        size = len(question.answers[0].encode())
        tokens, truncated = scores[0].tokens, scores[0].truncated
        measured = {"tokens": tokens, "cut": truncated, "value": bits(scores[0]), "size": size}
        return measured | _coverage(coverages)
    choice = chosen(scores, question.choices, task.by_length)
    return {
        "output": [question.choices[choice]],
        "logprobs": [score.logprob for score in scores],
        "cut": any(score.truncated for score in scores),
        "value": float(choice == question.gold),
        "size": 1,
        **_coverage(coverages),
    }
