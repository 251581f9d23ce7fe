"""lm-evaluation-harness over a tiny recipe; its tasks are local YAML over local JSON lines."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.errors import EvaluationError
from app.evaluation.evaluation_job import EvaluationJob, HarnessFinished
from app.evaluation.evaluator import Evaluator
from app.evaluation.harness_tasks import harness_names, harness_tasks
from app.evaluation.plan import Plan, Prepared
from app.evaluation.requests import GenerateRequest, Prompt, ScoreRequest
from app.evaluation.store import ResultFolder
from app.evaluation.variants import Variant, variants_of
from tests.evaluation.conftest import Load
from tests.evaluation.test_evaluation_run import OneLoad
from tests.evaluation.test_variants import single_model

pytest.importorskip("lm_eval", reason="the extra eval is not installed")
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of what the harness imports
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

LINES = [
    {"q": "the king said", "choices": [" a", " the king", " 42"], "gold": 1, "text": "the sea"},
    {"q": "How many? 12 + 30 =", "choices": [" 42", " the", " x"], "gold": 0, "text": "thou art"},
    {"q": "thou art", "choices": [" a pear", " the king", " 42"], "gold": 2, "text": "a pear " * 9},
]
CHOICE = """\
output_type: multiple_choice
doc_to_text: "{{q}}"
doc_to_choice: "{{choices}}"
doc_to_target: "{{gold}}"
metric_list: [{metric: acc}, {metric: acc_norm}]
"""
GENERATION = """\
output_type: generate_until
doc_to_text: "{{q}}"
doc_to_target: "the"
generation_kwargs: {until: ["e"], max_gen_toks: 5}
metric_list: [{metric: exact_match}]
"""
ROLLING = """\
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list: [{metric: bits_per_byte}]
"""


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The module, with a cache for data of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("datasets")))
        from app.evaluation import harness

        yield harness


@pytest.fixture
def loaded(load: Load) -> LoadedRecipe:
    return load("llama")


@pytest.fixture
def variants(loaded: LoadedRecipe) -> list[Variant]:
    return variants_of(loaded.recipe, ["base", "tuned"], (0.5, 1.0), single_model)


def task(folder: Path, name: str, content: str) -> str:
    data = folder / "data.jsonl"
    data.write_text("\n".join(map(json.dumps, LINES)))
    path = folder / f"{name}.yaml"
    path.write_text(
        f"task: {name}\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: {data}}}}}\n"
        f"test_split: test\n{content}"
    )
    return str(path)


@pytest.mark.slow
def test_choices_are_scored_for_every_variant(
    harness: Any, tmp_path: Path, loaded: LoadedRecipe, variants: list[Variant]
) -> None:
    models, folder = OneLoad(loaded), ResultFolder(tmp_path / "out")
    name = task(tmp_path, "mine", CHOICE)
    found = harness.evaluate_with_harness(harness_tasks([name]), variants, folder, models)
    assert [(t.task, t.measured) for t in found] == [("mine", "acc"), ("mine", "acc_norm")]
    assert models.loads == [loaded.recipe]
    evaluator = Evaluator(loaded)
    for result, variant in zip(found[0].results, variants, strict=True):
        right = 0
        for line in LINES:
            asked = [ScoreRequest(text, Prompt(line["q"])) for text in line["choices"]]
            scores = dict(evaluator.score(asked, [variant]))
            best = max(range(3), key=lambda place: scores[place][0].logprob)
            right += best == line["gold"]
        assert result.variant == variant
        assert (result.measure.score, result.measure.count) == (pytest.approx(right / 3), 3)
        assert result.measure.stderr is not None
    kept = folder.answers("harness", "tuned").path.read_text().splitlines()
    assert len(kept) == 9


@pytest.mark.slow
def test_generation_uses_the_tasks_stop_strings(
    harness: Any, tmp_path: Path, loaded: LoadedRecipe, variants: list[Variant]
) -> None:
    folder = ResultFolder(tmp_path / "out")
    name = task(tmp_path, "texts", GENERATION)
    (found,) = harness.evaluate_with_harness(
        harness_tasks([name]), variants, folder, OneLoad(loaded), limit=2
    )
    assert [result.measure.count for result in found.results] == [2, 2, 2]
    config = harness._config({"until": ["e"], "max_gen_toks": 5}, 0)
    for variant in variants:
        lines = folder.answers("harness", variant.title).path.read_text().splitlines()
        outputs = {record["prompt"]: record["output"] for record in map(json.loads, lines)}
        for line in LINES[:2]:
            request = GenerateRequest(Prompt(line["q"]), config)
            ((_, expected),) = Evaluator(loaded).generate([request], variant)
            assert outputs[line["q"]] == expected.text
            assert "e" not in expected.text


def test_rolling_loglikelihood_scores_the_whole_text(
    harness: Any, tmp_path: Path, loaded: LoadedRecipe, variants: list[Variant]
) -> None:
    name = task(tmp_path, "rolling", ROLLING)
    folder = ResultFolder(tmp_path / "out")
    (found,) = harness.evaluate_with_harness(
        harness_tasks([name]), variants[:1], folder, OneLoad(loaded)
    )
    assert not found.higher_is_better
    asked = [ScoreRequest(line["text"]) for line in LINES]
    scores = dict(Evaluator(loaded).score(asked, variants[:1]))
    total = -sum(scores[place][0].logprob for place in range(3)) / 0.6931471805599453
    size = sum(len(line["text"].encode()) for line in LINES)
    assert found.results[0].measure.score == pytest.approx(total / size, rel=1e-6)


@pytest.mark.slow
def test_stored_answers_are_reused(
    harness: Any,
    tmp_path: Path,
    loaded: LoadedRecipe,
    variants: list[Variant],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = ResultFolder(tmp_path / "out")
    names = [task(tmp_path, "mine", CHOICE), task(tmp_path, "texts", GENERATION)]
    first = harness.evaluate_with_harness(harness_tasks(names), variants, folder, OneLoad(loaded))
    asked: list[int] = []

    class Watched(Evaluator):
        def score(self, requests: Any, variants: Any) -> Any:
            asked.append(len(requests))
            return super().score(requests, variants)

        def generate(self, requests: Any, variant: Any) -> Any:
            asked.append(len(requests))
            return super().generate(requests, variant)

    monkeypatch.setattr("app.evaluation.loading.Evaluator", Watched)
    again = harness.evaluate_with_harness(harness_tasks(names), variants, folder, OneLoad(loaded))
    assert set(asked) == {0}
    assert [t.results[0].measure for t in again] == [t.results[0].measure for t in first]


def test_samples_of_the_same_prompt_differ(harness: Any) -> None:
    settings = {"do_sample": True, "temperature": 0.8, "top_p": 0.95, "until": "x"}
    one, other = (harness._config(settings, seed) for seed in (0, 1))
    assert (one.temperature, one.top_p, one.stop, one.max_new_tokens) == (0.8, 0.95, ("x",), 256)
    assert one.seed != other.seed
    with pytest.raises(EvaluationError, match="num_beams=4"):
        harness._config({"num_beams": 4, "until": []}, 0)


def test_a_task_that_needs_the_network_is_an_error(
    harness: Any, tmp_path: Path, loaded: LoadedRecipe, variants: list[Variant]
) -> None:
    path = tmp_path / "remote.yaml"
    path.write_text(
        "task: remote\ndataset_path: nobody/nothing\ntest_split: test\n" + CHOICE, encoding="utf-8"
    )
    models = OneLoad(loaded)
    with pytest.raises(EvaluationError, match=r"remote\.yaml cannot be loaded.*downloaded"):
        harness.evaluate_with_harness(
            harness_tasks([str(path)]), variants, ResultFolder(tmp_path / "out"), models
        )
    assert models.loads == []


def test_task_names_are_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    from lm_eval import tasks

    class Manager:
        all_tasks = ("mmlu", "gsm8k", "truthfulqa_mc1")

        def __init__(self, include_defaults: bool) -> None:
            assert include_defaults

    monkeypatch.setattr(tasks, "TaskManager", Manager)
    assert harness_tasks([]) is None
    found = harness_tasks(["mmlu", "harness:gsm8k"])
    assert found is not None
    assert found.names == ("mmlu", "gsm8k")
    with pytest.raises(EvaluationError, match="Did you mean truthfulqa_mc1"):
        harness_tasks(["truthfulqa_mc3"], ["gsm8k-zero-shot"])
    with pytest.raises(EvaluationError, match="Did you mean gsm8k-zero-shot"):
        harness_tasks(["gsm8k-zeroshot"], ["gsm8k-zero-shot"])


def test_a_task_file_needs_no_index() -> None:
    with pytest.raises(EvaluationError, match=r"no task file nowhere\.yaml"):
        harness_tasks(["nowhere.yaml"])


def test_a_missing_harness_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.evaluation.harness_tasks.find_spec", lambda name: None)
    with pytest.raises(EvaluationError, match=r"pip install 'tuneshift\[eval\]'"):
        harness_tasks(["mmlu"])


def test_borrowed_models_are_evaluated_with_progress(
    harness: Any, tmp_path: Path, loaded: LoadedRecipe
) -> None:
    name = task(tmp_path, "mine", CHOICE)
    told: list[object] = []
    work = EvaluationJob(
        Plan((name,), ("base", "tuned"), (0.5,)),
        loaded.recipe.alphas,
        tmp_path / "out",
        single_model,
        lambda: False,
        told.append,
    )
    prepared, found = work(loaded)
    assert isinstance(prepared, Prepared)
    assert (prepared.tasks, prepared.answers) == ((), 0)
    assert isinstance(found, HarnessFinished)
    assert [(t.task, t.measured) for t in found.results] == [("mine", "acc"), ("mine", "acc_norm")]
    assert [r.variant.title for r in found.results[0].results] == ["base", "tuned ×0.5"]
    assert any("answers" in str(line) for line in told)


@pytest.mark.slow
def test_harness_names_are_read_from_its_files() -> None:
    names = harness_names()
    assert names is not None
    assert {"gsm8k", "truthfulqa_mc1", "arc_easy", "mmlu"} <= set(names)
    assert names == sorted(names)


def test_there_are_no_names_without_the_harness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.evaluation.harness_tasks.find_spec", lambda name: None)
    assert harness_names() is None


def test_the_hub_is_asked_once_without_a_network(
    harness: Any,
    tmp_path: Path,
    variants: list[Variant],
    loaded: LoadedRecipe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import datasets
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", nowhere)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", nowhere)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    huggingface_hub.close_session()
    pauses: list[float] = []
    monkeypatch.setattr(_http.time, "sleep", pauses.append)
    path = tmp_path / "remote.yaml"
    path.write_text(f"task: remote\ndataset_path: nobody/nothing\ntest_split: test\n{CHOICE}")
    folder = ResultFolder(tmp_path / "results")
    with pytest.raises(EvaluationError, match="data may have to be downloaded"):
        harness.evaluate_with_harness(harness_tasks([str(path)]), variants, folder, OneLoad(loaded))
    huggingface_hub.close_session()
    assert sum(pauses) <= 1
