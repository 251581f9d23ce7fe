"""An evaluation from beginning to end: what is known is read, what is missing is asked and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from app.attribution.class_shifts import ShiftedToken
from app.checkpoints.spec import Recipe
from app.evaluation.batch_generation import Generated
from app.evaluation.code_execution import passes
from app.evaluation.evaluator import Evaluator
from app.evaluation.identity import fingerprints, models_of
from app.evaluation.loading import Models
from app.evaluation.metrics import bits, chosen, contains, matches, pass_at
from app.evaluation.processes import Processes
from app.evaluation.requests import Score
from app.evaluation.store import Record, ResultFolder, key_of
from app.evaluation.tasks import Metric, Question, Task
from app.evaluation.variants import View


@dataclass(frozen=True, slots=True)
class Answered:
    """One question that one view has answered.

    Attributes:
        record: What is kept: the question, the answer, and ``value`` and ``size``, whose sums make
            the score.
        known: Whether it was in the folder already.
    """

    task: Task
    view: View
    record: Record
    known: bool


def evaluate(
    tasks: Sequence[Task],
    views: Sequence[View],
    folder: ResultFolder,
    models: Models,
    batch_size: int | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    processes: Processes | None = None,
) -> Iterator[Answered]:
    """Ask every view every question that the folder has no answer to.

    Models are loaded only where something is missing, and each recipe once. Answers are kept as
    they come, before they are told.

    Args:
        tasks: What is asked.
        views: Who is asked.
        folder: Where answers are kept.
        models: Loads.
        batch_size: How many texts are read side by side; None is as many as fit.
        cancelled: Asked before every chunk of a prompt and every token.
        processes: Of several that share the questions, which this is.

    Yields:
        First what is known, then what is answered; at the end what other processes answered.

    Raises:
        TuneshiftError: A recipe cannot be loaded, a question cannot be asked, or an answer cannot
            be kept.
        Cancelled: When ``cancelled`` says so.
    """
    processes = processes or Processes()
    groups = [_Group(recipe, views, tasks, folder, processes) for recipe in _recipes(views)]
    for group in groups:
        yield from group.known()
    for group in groups:
        if group.missing:
            evaluator = Evaluator(models.load(group.recipe), batch_size, cancelled)
            yield from group.ask(evaluator)
    if processes.count > 1:
        processes.wait()
        for group in groups:
            yield from group.of_others()


def _recipes(views: Sequence[View]) -> list[Recipe]:
    return [
        view.recipe
        for place, view in enumerate(views)
        if view.recipe not in [earlier.recipe for earlier in views[:place]]
    ]


class _Group:
    """All that is asked of the models of one recipe."""

    def __init__(
        self,
        recipe: Recipe,
        views: Sequence[View],
        tasks: Sequence[Task],
        folder: ResultFolder,
        processes: Processes,
    ) -> None:
        self._owns = processes.owns
        self.recipe = recipe
        self._views = [view for view in views if view.recipe == recipe]
        self._tasks = tasks
        prints = fingerprints(recipe)
        self._files = {
            (task.name, view.title): folder.answers(task.name, view.title)
            for task in tasks
            for view in self._views
        }
        self._keys = {
            (task.name, view.title): [
                key_of(*models_of(view, prints), *_asked(task, question))
                for question in task.questions
            ]
            for task in tasks
            for view in self._views
        }
        self._answers = {place: file.read(self._keys[place]) for place, file in self._files.items()}

    @property
    def missing(self) -> bool:
        """Whether this process has anything to ask."""
        return any(
            self._is_mine(task, view, question)
            for task in self._tasks
            for view in self._views
            for question in task.questions
        )

    def known(self) -> Iterator[Answered]:
        for task in self._tasks:
            for view in self._views:
                place = task.name, view.title
                for key in self._keys[place]:
                    if key in self._answers[place]:
                        yield Answered(task, view, self._answers[place][key], known=True)

    def of_others(self) -> Iterator[Answered]:
        """What other processes have answered since this one began."""
        for task in self._tasks:
            for view in self._views:
                place = task.name, view.title
                there = self._answers[place]
                found = self._files[place].read(set(self._keys[place]) - there.keys())
                there.update(found)
                yield from (Answered(task, view, record, known=True) for record in found.values())

    def ask(self, evaluator: Evaluator) -> Iterator[Answered]:
        for task in self._tasks:
            if task.generates:
                for view in self._views:
                    yield from self._generate(evaluator, task, view)
            else:
                yield from self._score(evaluator, task)

    def _generate(self, evaluator: Evaluator, task: Task, view: View) -> Iterator[Answered]:
        left = [q for q in task.questions if self._is_mine(task, view, q)]
        requests = [(q, request) for q in left for request in task.to_generate(q)]
        texts: dict[int, dict[int, Generated]] = {q.index: {} for q in left}
        for place, found in evaluator.generate([request for _, request in requests], view):
            question, request = requests[place]
            texts[question.index][request.config.seed] = found
            if len(texts[question.index]) == task.samples:
                outputs = [of for _, of in sorted(texts.pop(question.index).items())]
                yield self._keep(task, view, question, _judge_texts(task, question, outputs))

    def _score(self, evaluator: Evaluator, task: Task) -> Iterator[Answered]:
        left = [q for q in task.questions if any(self._is_mine(task, v, q) for v in self._views)]
        requests = [(q, request) for q in left for request in task.to_score(q)]
        found: dict[int, dict[int, list[Score]]] = {q.index: {} for q in left}
        for place, scores in evaluator.score([request for _, request in requests], self._views):
            question, _ = requests[place]
            own = found[question.index]
            own[place] = scores
            if len(own) == len(task.to_score(question)):
                in_order = [scores for _, scores in sorted(found.pop(question.index).items())]
                for view, of_view in zip(self._views, zip(*in_order, strict=True), strict=True):
                    if self._is_missing(task, view, question):
                        judged = _judge_scores(task, question, of_view)
                        yield self._keep(task, view, question, judged)

    def _is_mine(self, task: Task, view: View, question: Question) -> bool:
        return self._owns(question.index) and self._is_missing(task, view, question)

    def _is_missing(self, task: Task, view: View, question: Question) -> bool:
        place = task.name, view.title
        return self._keys[place][question.index] not in self._answers[place]

    def _keep(self, task: Task, view: View, question: Question, judged: Record) -> Answered:
        place = task.name, view.title
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
        return Answered(task, view, record, known=False)


def _asked(task: Task, question: Question) -> tuple[Any, ...]:
    asked = task.to_generate(question) if task.generates else task.to_score(question)
    how = [task.metric, asdict(task.matching), task.by_length, task.pass_at]
    content = asdict(replace(question, exported=()))
    del content["exported"]  # how an answer is written down does not change it
    return [asdict(request) for request in asked], content, how


def _judge_texts(task: Task, question: Question, generated: Sequence[Generated]) -> Record:
    outputs = [text.text for text in generated]
    more: Record = {"output": outputs, "cut": any(text.cut for text in generated)}
    if any(text.shifted for text in generated):
        more["shifted"] = [[_short(token) for token in text.shifted] for text in generated]
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


def _short(token: ShiftedToken) -> list[str | float]:
    text, base, tuned = token
    return [text, round(base, 6), round(tuned, 6)]


def _judge_scores(task: Task, question: Question, scores: Sequence[Score]) -> Record:
    if task.metric is Metric.BITS:
        size = len(question.answers[0].encode())
        tokens, cut = scores[0].tokens, scores[0].cut
        return {"tokens": tokens, "cut": cut, "value": bits(scores[0]), "size": size}
    choice = chosen(scores, question.choices, task.by_length)
    return {
        "output": [question.choices[choice]],
        "logprobs": [score.logprob for score in scores],
        "cut": any(score.cut for score in scores),
        "value": float(choice == question.gold),
        "size": 1,
    }
