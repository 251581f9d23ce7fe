"""Evaluation with lm-evaluation-harness. Needs the extra ``eval``."""

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

from app.checkpoints.checkpoint_errors import first_line
from app.checkpoints.hub.hub_client import Guard, prepare
from app.decoding.types import GenerationConfig
from app.errors import EvaluationError
from app.evaluation.evaluator import Evaluator
from app.evaluation.harness_tasks import HarnessTasks
from app.evaluation.identity import fingerprints, model_identity
from app.evaluation.loading import ModelLoader
from app.evaluation.metrics import Measure
from app.evaluation.processes import Processes
from app.evaluation.requests import GenerateRequest, Prompt, ScoreRequest
from app.evaluation.results import Result, TaskResults
from app.evaluation.served_evaluator import ServedEvaluator
from app.evaluation.store import AnswerFile, Record, ResultFolder, key_of
from app.evaluation.variants import Variant

_MOST_NEW_TOKENS = 256
_RESAMPLES = 1000
_FOLDER = "harness"
_KNOWN_SETTINGS = {"until", "max_gen_toks", "do_sample", "temperature", "top_p", "top_k", "min_p"}


class TuneshiftLM(LM):  # type: ignore[misc]
    """The harness's ``LM`` interface for one variant of a loaded recipe.

    Scoring requests are answered for all variants of the recipe at once, since the models read a
    sequence only once. All answers are stored.

    Args:
        evaluator: Answers requests.
        variant: The variant that this instance represents.
        answers: For each variant of the recipe: its answer file, and the identity of its models as
            part of the keys.
        on_progress: Called with the number of answers so far and the total.
        processes: The process group, if several processes share the questions.
    """

    def __init__(
        self,
        evaluator: Evaluator | ServedEvaluator,
        variant: Variant,
        answers: Sequence[tuple[Variant, AnswerFile, tuple[Any, ...]]],
        on_progress: Callable[[int, int], None] = lambda done, total: None,
        processes: Processes | None = None,
    ) -> None:
        super().__init__()
        self._processes = processes or Processes()
        self._rank, self._world_size = self._processes.rank, self._processes.count
        self._device = self._processes.device
        self._evaluator = evaluator
        self._variant = variant
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
        seeds: dict[str, int] = {}  # each sample of the same prompt has its own seed
        asked = []
        for request in requests:
            prompt, settings = request.args
            seed = seeds.get(prompt, 0)
            seeds[prompt] = seed + 1
            asked.append(GenerateRequest(Prompt(prompt), _config(settings, seed)))
        file, identity = next((f, i) for variant, f, i in self._answers if variant == self._variant)
        keys = [key_of(identity, "generate", request) for request in asked]
        known = file.read(keys)
        missing = _missing_indices(keys, known)
        self._on_progress(len(known), len(set(keys)))
        texts = self._evaluator.generate([asked[place] for place in missing], self._variant)
        for place, found in texts:
            key = keys[missing[place]]
            prompt = asked[missing[place]].prompt.plain
            known[key] = {
                "key": key,
                "prompt": prompt,
                "output": found.text,
                "cut": found.truncated,
            }
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
        variants = [variant for variant, _, _ in self._answers]
        keys = [[key_of(identity, "score", r) for r in asked] for _, _, identity in self._answers]
        own = variants.index(self._variant)
        known = [
            file.read(of_variant)
            for (_, file, _), of_variant in zip(self._answers, keys, strict=True)
        ]
        missing = _missing_indices(keys[own], known[own])
        total = len(set(keys[own]))
        self._on_progress(len(known[own]), total)
        for place, scores in self._evaluator.score([asked[p] for p in missing], variants):
            request = asked[missing[place]]
            for (_, file, _), of_variant, there, score in zip(
                self._answers, keys, known, scores, strict=True
            ):
                key = of_variant[missing[place]]
                if key not in there:
                    there[key] = {
                        "key": key,
                        "prompt": request.prompt.plain if request.prompt else "",
                        "text": request.text,
                        "logprob": score.logprob,
                        "greedy": score.greedy,
                        "cut": score.truncated,
                    }
                    file.append([there[key]])
            self._on_progress(len(known[own]), total)
        return [known[own][key] for key in keys[own]]


def evaluate_with_harness(
    tasks: HarnessTasks,
    variants: Sequence[Variant],
    folder: ResultFolder,
    models: ModelLoader,
    *,
    limit: int | None = None,
    batch_size: int | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    on_progress: Callable[[str], None] = lambda text: None,
    processes: Processes | None = None,
) -> list[TaskResults]:
    """Evaluate variants on tasks of the harness.

    Args:
        tasks: The tasks.
        variants: The variants.
        folder: The folder for answers and the harness's own results.
        models: Loads models.
        limit: Maximum number of questions of each task; None for all.
        batch_size: Number of sequences in a batch; None for as many as fit into memory.
        cancelled: Called before each prefill chunk and each token.
        on_progress: Called with a progress message.
        processes: The process group; only the first process returns results.

    Raises:
        EvaluationError: A task cannot be read, or is not a task for language models.
        TuneshiftError: A recipe cannot be loaded or a question cannot be encoded.
        Cancelled: ``cancelled`` returned True.
    """
    for name in tasks.names:
        on_progress(f"Reading {name} …")
        _check(tasks.index, name)
    found: dict[str, dict[str, Any]] = {}
    for recipe in {id(variant.recipe): variant.recipe for variant in variants}.values():
        own = [variant for variant in variants if variant.recipe is recipe]
        prints = fingerprints(recipe)
        answers = [
            (variant, folder.answers(_FOLDER, variant.title), model_identity(variant, prints))
            for variant in own
        ]
        evaluator = models.evaluator(recipe, batch_size, cancelled)
        for variant in own:

            def progress(done: int, total: int, title: str = variant.title) -> None:
                on_progress(f"{', '.join(tasks.names)}, {title}: {done:,} of {total:,} answers")

            model = TuneshiftLM(evaluator, variant, answers, progress, processes)
            results = _ask(model, tasks, limit)
            if results is not None:
                found[variant.title] = results
                folder.write(f"harness-{key_of(variant.title)[:8]}.json", _serializable(results))
    return _results(variants, found) if found else []


def _check(index: Any, name: str) -> None:
    """Load a task with its data, so that errors are found before models are loaded."""
    prepare()
    try:
        with Guard():  # without a network the Hub's library retries each file for half a minute
            loaded = index.load([name])["tasks"]
    except Exception as error:  # any library or the task's own code may fail
        raise EvaluationError(
            f"The task {name} cannot be loaded; its data may have to be downloaded",
            evidence=f"{type(error).__name__}: {first_line(error)}",
            next_step="Connect to the network and retry, or write a task for a local data file.",
        ) from error
    for task in loaded.values():
        if getattr(task, "UNSAFE_CODE", False):
            raise EvaluationError(
                f"The task {name} runs model-written code in this process",
                next_step="Tuneshift does not run it.",
            )


def _ask(model: TuneshiftLM, tasks: HarnessTasks, limit: int | None) -> dict[str, Any] | None:
    """Run the harness like its ``simple_evaluate``, but without collecting system information.

    Returns:
        The harness's results in the first process; None in other processes.
    """
    random.seed(DEFAULT_RANDOM_SEED)  # tasks may use the global generator
    with Guard():
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


def _results(variants: Sequence[Variant], found: dict[str, dict[str, Any]]) -> list[TaskResults]:
    """One table for each metric of each task."""
    first = found[variants[0].title]
    tables = []
    for task, values in first["results"].items():
        for measure in values:
            name, _, chain = measure.partition(",")
            if not chain or name.endswith("_stderr"):
                continue
            error = f"{name}_stderr,{chain}"
            results = [
                Result(
                    variant,
                    _measure(
                        of["results"][task].get(measure),
                        of["results"][task].get(error),
                        of["n-samples"].get(task, {}).get("effective", 0),
                    ),
                )
                for variant in variants
                for of in [found[variant.title]]
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
            "A task uses generation settings that are not supported",
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


def _missing_indices(keys: Sequence[str], known: dict[str, Record]) -> list[int]:
    """The index of the first occurrence of each key that is not in ``known``."""
    first = {key: place for place, key in reversed(list(enumerate(keys)))}
    return sorted(place for key, place in first.items() if key not in known)


def _serializable(found: dict[str, Any]) -> dict[str, Any]:
    """The harness's results that can be written as JSON: scores and versions."""
    names = ("results", "groups", "n-shot", "n-samples", "versions", "higher_is_better")
    return {name: found[name] for name in names if name in found}
