"""lm-evaluation-harness over a recipe: its tasks, asked of every view. Needs the extra ``eval``."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.defaults import DEFAULT_OTHER_SEED, DEFAULT_RANDOM_SEED
from lm_eval.evaluator import evaluate
from lm_eval.models.utils import normalize_gen_kwargs
from torch import Tensor

from app.checkpoints.opening import first_line
from app.decoding.types import GenerationConfig
from app.errors import EvaluationError
from app.evaluation.evaluator import Evaluator
from app.evaluation.harness_tasks import HarnessTasks
from app.evaluation.identity import fingerprints, models_of
from app.evaluation.loading import Models
from app.evaluation.metrics import Measure
from app.evaluation.processes import Processes
from app.evaluation.requests import GenerateRequest, Prompt, ScoreRequest
from app.evaluation.results import Result, TaskResults
from app.evaluation.store import AnswerFile, Record, ResultFolder, key_of
from app.evaluation.variants import View

_MOST_NEW_TOKENS = 256
_RESAMPLES = 1000
_FOLDER = "harness"
_KNOWN_SETTINGS = {"until", "max_gen_toks", "do_sample", "temperature", "top_p", "top_k", "min_p"}


class TuneshiftLM(LM):  # type: ignore[misc]
    """The harness's language model over one view of a loaded recipe.

    What is asked of one view is asked of all of them at once where that costs nothing more, and
    every answer is kept as it comes.

    Args:
        evaluator: Answers.
        view: Whose answers are given to the harness.
        answers: Where the answers of each view of the same recipe are kept, with what makes the
            keys of its answers.
        on_progress: Called with answers given and answers asked.
        processes: Of several that share the questions, which this is.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        view: View,
        answers: Sequence[tuple[View, AnswerFile, tuple[Any, ...]]],
        on_progress: Callable[[int, int], None] = lambda done, total: None,
        processes: Processes | None = None,
    ) -> None:
        super().__init__()
        self._processes = processes or Processes()
        self._rank, self._world_size = self._processes.rank, self._processes.count
        self._device = self._processes.device
        self._evaluator = evaluator
        self._view = view
        self._answers = answers
        self._on_progress = on_progress

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        asked = [
            ScoreRequest(text, Prompt(prompt) if prompt else None)
            for prompt, text in (request.args for request in requests)
        ]
        return [(found["logprob"], found["greedy"]) for found in self._score(asked)]

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        found = self._score([ScoreRequest(*request.args) for request in requests])
        return [record["logprob"] for record in found]

    def generate_until(self, requests: list[Instance]) -> list[str]:
        seeds: dict[str, int] = {}  # every sample of a prompt has noise of its own
        asked = []
        for request in requests:
            prompt, settings = request.args
            seed = seeds.get(prompt, 0)
            seeds[prompt] = seed + 1
            asked.append(GenerateRequest(Prompt(prompt), _config(settings, seed)))
        file, identity = next((f, i) for view, f, i in self._answers if view == self._view)
        keys = [key_of(identity, "generate", request) for request in asked]
        known = file.read(keys)
        missing = _first_places(keys, known)
        self._on_progress(len(known), len(set(keys)))
        texts = self._evaluator.generate([asked[place] for place in missing], self._view)
        for place, found in texts:
            key = keys[missing[place]]
            prompt = asked[missing[place]].prompt.plain
            known[key] = {"key": key, "prompt": prompt, "output": found.text, "cut": found.cut}
            file.append([known[key]])
            self._on_progress(len(known), len(set(keys)))
        return [str(known[key]["output"]) for key in keys]

    def all_gather(self, tensor: Tensor) -> Tensor:
        return self._processes.gather(tensor)

    def gather_object(self, obj: Any, dst: int = 0) -> list[Any] | None:
        return self._processes.gather_object(obj, dst)

    def barrier(self) -> None:
        self._processes.wait()

    def _score(self, asked: Sequence[ScoreRequest]) -> list[Record]:
        views = [view for view, _, _ in self._answers]
        keys = [[key_of(identity, "score", r) for r in asked] for _, _, identity in self._answers]
        own = views.index(self._view)
        known = [
            file.read(of_view) for (_, file, _), of_view in zip(self._answers, keys, strict=True)
        ]
        missing = _first_places(keys[own], known[own])
        total = len(set(keys[own]))
        self._on_progress(len(known[own]), total)
        for place, scores in self._evaluator.score([asked[p] for p in missing], views):
            request = asked[missing[place]]
            for (_, file, _), of_view, there, score in zip(
                self._answers, keys, known, scores, strict=True
            ):
                key = of_view[missing[place]]
                if key not in there:
                    there[key] = {
                        "key": key,
                        "prompt": request.prompt.plain if request.prompt else "",
                        "text": request.text,
                        "logprob": score.logprob,
                        "greedy": score.greedy,
                        "cut": score.cut,
                    }
                    file.append([there[key]])
            self._on_progress(len(known[own]), total)
        return [known[own][key] for key in keys[own]]


def evaluate_with_harness(
    tasks: HarnessTasks,
    views: Sequence[View],
    folder: ResultFolder,
    models: Models,
    *,
    limit: int | None = None,
    batch_size: int | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    on_progress: Callable[[str], None] = lambda text: None,
    processes: Processes | None = None,
) -> list[TaskResults]:
    """Ask every view the questions of tasks of the harness.

    Args:
        tasks: What is asked.
        views: Who is asked.
        folder: Where answers and the harness's own results are kept.
        models: Loads.
        limit: The first so many questions of each task.
        batch_size: How many texts are read side by side; None is as many as fit.
        cancelled: Asked before every chunk of a prompt and every token.
        on_progress: Receives a line that says what is happening.
        processes: Of several that share the questions, which this is; the first has the results.

    Raises:
        EvaluationError: A task cannot be had, or is not for language models alone.
        TuneshiftError: A recipe cannot be loaded or a question cannot be asked.
        Cancelled: When ``cancelled`` says so.
    """
    for name in tasks.names:
        on_progress(f"Reading {name} …")
        _check(tasks.index, name)
    found: dict[str, dict[str, Any]] = {}
    for recipe in {id(view.recipe): view.recipe for view in views}.values():
        own = [view for view in views if view.recipe is recipe]
        prints = fingerprints(recipe)
        answers = [
            (view, folder.answers(_FOLDER, view.title), models_of(view, prints)) for view in own
        ]
        evaluator = Evaluator(models.load(recipe), batch_size, cancelled)
        for view in own:

            def progress(done: int, total: int, title: str = view.title) -> None:
                on_progress(f"{', '.join(tasks.names)}, {title}: {done:,} of {total:,} answers")

            model = TuneshiftLM(evaluator, view, answers, progress, processes)
            results = _ask(model, tasks, limit)
            if results is not None:
                found[view.title] = results
                folder.write(f"harness-{key_of(view.title)[:8]}.json", _plain(results))
    return _results(views, found) if found else []


def _check(index: Any, name: str) -> None:
    """Read a task with its data, so that what is wrong is known before anything is loaded."""
    try:
        loaded = index.load([name])["tasks"]
    except Exception as error:  # of the harness, of datasets, of the network, of the task's code
        raise EvaluationError(
            f"The task {name} cannot be read: its data may need the network",
            evidence=f"{type(error).__name__}: {first_line(error)}",
            next_step="Connect and try again, or write a task over a file of your own.",
        ) from error
    for task in loaded.values():
        if getattr(task, "UNSAFE_CODE", False):
            raise EvaluationError(
                f"The task {name} runs the code that models write, in this process",
                next_step="It is not run here.",
            )


def _ask(model: TuneshiftLM, tasks: HarnessTasks, limit: int | None) -> dict[str, Any] | None:
    """What ``simple_evaluate`` does, without asking the machine for its whole environment.

    Returns:
        The harness's results in the first process, and None in others.
    """
    random.seed(DEFAULT_RANDOM_SEED)  # tasks may draw from it
    loaded = tasks.index.load(list(tasks.names))
    for task in loaded["tasks"].values():
        if task.get_config("num_fewshot") is None:
            task.set_config(key="num_fewshot", value=0)
        task.set_fewshot_seed(seed=DEFAULT_OTHER_SEED)
    try:
        found: dict[str, Any] | None = evaluate(
            model, loaded, limit=limit, bootstrap_iters=_RESAMPLES, log_samples=False
        )
    except ValueError as error:
        raise EvaluationError(
            "lm-evaluation-harness refused the tasks", evidence=str(error)
        ) from error
    return found


def _results(views: Sequence[View], found: dict[str, dict[str, Any]]) -> list[TaskResults]:
    """A table for every measure of every task; what the harness says twice is said once."""
    first = found[views[0].title]
    tables = []
    for task, values in first["results"].items():
        for measure in values:
            name, _, chain = measure.partition(",")
            if not chain or name.endswith("_stderr"):
                continue
            error = f"{name}_stderr,{chain}"
            results = [
                Result(
                    view,
                    _measure(
                        of["results"][task].get(measure),
                        of["results"][task].get(error),
                        of["n-samples"].get(task, {}).get("effective", 0),
                    ),
                )
                for view in views
                for of in [found[view.title]]
            ]
            label = name if chain == "none" else f"{name} ({chain})"
            higher = first["higher_is_better"].get(task, {}).get(name)
            tables.append(TaskResults(task, label, higher is not False, tuple(results)))
    return tables


def _measure(score: Any, stderr: Any, count: int) -> Measure:
    known = isinstance(stderr, int | float)
    return Measure(float(score), float(stderr) if known else None, int(count))


def _config(settings: dict[str, Any], seed: int) -> GenerationConfig:
    values = dict(normalize_gen_kwargs(settings, _MOST_NEW_TOKENS))
    unknown = {key for key, value in values.items() if key not in _KNOWN_SETTINGS and value}
    if unknown - {"num_beams", "num_return_sequences"} or values.get("num_beams", 1) != 1:
        raise EvaluationError(
            "A task asks for a way of generating that is not there",
            evidence=", ".join(f"{key}={values[key]}" for key in sorted(unknown)),
        )
    sampled = bool(values["do_sample"])
    return GenerationConfig(
        max_new_tokens=int(values["max_gen_toks"]),
        temperature=float(values.get("temperature", 1.0)) if sampled else 0.0,
        top_p=float(values.get("top_p", 1.0)),
        top_k=int(values.get("top_k", 0)),
        min_p=float(values.get("min_p", 0.0)),
        seed=seed,
        stop=tuple(text for text in values["until"] if text),
    )


def _first_places(keys: Sequence[str], known: dict[str, Record]) -> list[int]:
    """Of what is not known, the place of each, once."""
    first = {key: place for place, key in reversed(list(enumerate(keys)))}
    return sorted(place for key, place in first.items() if key not in known)


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    """What of the harness's results can be written as JSON: its scores and versions."""
    names = ("results", "groups", "n-shot", "n-samples", "versions", "higher_is_better")
    return {name: found[name] for name in names if name in found}
