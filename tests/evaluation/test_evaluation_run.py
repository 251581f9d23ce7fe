"""Evaluations with stored answers: what is reused, what is answered again, and the scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.spec import Recipe
from app.errors import Cancelled, EvaluationError
from app.evaluation.evaluation_run import AnsweredQuestion, evaluate
from app.evaluation.evaluator import Evaluator
from app.evaluation.loading import ModelLoader
from app.evaluation.metrics import bits
from app.evaluation.results import result_of
from app.evaluation.store import ResultFolder
from app.evaluation.task_files import read_task
from app.evaluation.tasks import Task
from app.evaluation.variants import Variant, variants_of
from tests import tiny
from tests.evaluation.conftest import Load
from tests.evaluation.test_variants import single_model

PROMPTS = ["the king said", "How many? 12 + 30 =", "thou art", "x y z", "the sea was"]


class OneLoad(ModelLoader):
    """Returns a loaded recipe and counts the loads."""

    def __init__(self, loaded: LoadedRecipe) -> None:
        super().__init__()
        self.loads: list[Recipe] = []
        self._recipe = loaded

    def load(self, recipe: Recipe) -> LoadedRecipe:
        self.loads.append(recipe)
        return self._recipe if recipe == self._recipe.recipe else super().load(recipe)


def task(folder: Path, metric: str, more: str = "") -> Task:
    path = folder / f"{metric}.toml"
    lines = [
        {"prompt": prompt, "answer": " the king", "choices": [" a", " the king", " 42"], "gold": 1}
        for prompt in PROMPTS
    ]
    (folder / "data.jsonl").write_text("\n".join(map(json.dumps, lines)))
    path.write_text(
        f'format = 1\nmetric = "{metric}"\ndata = "data.jsonl"\n{more}'
        "[generation]\nmax_new_tokens = 6\n"
    )
    return read_task(path)


@pytest.fixture
def loaded(load: Load) -> LoadedRecipe:
    return load("llama")


@pytest.fixture
def variants(loaded: LoadedRecipe) -> list[Variant]:
    return variants_of(loaded.recipe, ["base", "expert", "tuned"], (0.5, 1.0), single_model)


@pytest.fixture
def folder(tmp_path: Path) -> ResultFolder:
    return ResultFolder(tmp_path / "out")


def of(answers: Sequence[AnsweredQuestion], variant: Variant) -> list[AnsweredQuestion]:
    return sorted((a for a in answers if a.variant == variant), key=lambda a: a.record["index"])


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["match", "contains", "choice", "bits"])
def test_every_variant_answers_every_question_once(
    metric: str, tmp_path: Path, loaded: LoadedRecipe, variants: list[Variant], folder: ResultFolder
) -> None:
    asked = task(tmp_path, metric)
    models = OneLoad(loaded)
    answers = list(evaluate([asked], variants, folder, models))
    assert models.loads == [loaded.recipe]
    assert not any(answer.cached for answer in answers)
    for variant in variants:
        assert [a.record["index"] for a in of(answers, variant)] == list(range(5))
    again = list(evaluate([asked], variants, folder, models))
    assert models.loads == [loaded.recipe]
    assert all(answer.cached for answer in again)
    for variant in variants:
        assert [a.record for a in of(again, variant)] == [a.record for a in of(answers, variant)]


@pytest.mark.slow
def test_scores_equal_those_of_direct_requests(
    tmp_path: Path, loaded: LoadedRecipe, variants: list[Variant], folder: ResultFolder
) -> None:
    tasks = [
        task(tmp_path, "bits"),
        task(tmp_path, "choice"),
        task(tmp_path, "match", "samples = 2\n"),
    ]
    answers = list(evaluate(tasks, variants, folder, OneLoad(loaded), batch_size=2))
    evaluator = Evaluator(loaded)
    for variant in variants:
        by_task = {t.name: [a.record for a in of(answers, variant) if a.task == t] for t in tasks}
        for question, record in zip(tasks[0].questions, by_task["bits"], strict=True):
            ((_, (score,)),) = evaluator.score(tasks[0].to_score(question), [variant])
            assert record["value"] == pytest.approx(bits(score), abs=1e-3)
            assert record["size"] == len(b" the king")
        for question, record in zip(tasks[1].questions, by_task["choice"], strict=True):
            found = dict(evaluator.score(tasks[1].to_score(question), [variant]))
            logprobs = [found[place][0].logprob for place in range(3)]
            assert record["logprobs"] == pytest.approx(logprobs, abs=1e-3)
            best = max(range(3), key=lambda place: logprobs[place])
            assert record["output"] == [question.choices[best]]
            assert record["value"] == float(best == 1)
        for question, record in zip(tasks[2].questions, by_task["match"], strict=True):
            texts = dict(evaluator.generate(tasks[2].to_generate(question), variant))
            assert record["output"] == [texts[place].text for place in range(2)]
        total = result_of(variant, by_task["bits"]).measure
        assert total.score == pytest.approx(sum(r["value"] for r in by_task["bits"]) / 45)


def test_generated_programs_are_run(
    tmp_path: Path,
    loaded: LoadedRecipe,
    variants: list[Variant],
    folder: ResultFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    programs: list[str] = []

    def passes(program: str) -> bool:
        programs.append(program)
        return len(programs) % 3 == 0

    monkeypatch.setattr("app.evaluation.evaluation_run.passes", passes)
    more = 'program = "<{prompt}|{output}>"\nsamples = 3\npass_at = 2\n'
    asked = task(tmp_path, "code", more).first(2)
    assert asked.measured == "pass@2"
    answers = list(evaluate([asked], variants[:1], folder, OneLoad(loaded)))
    written = [
        f"<{PROMPTS[a.record['index']]}|{text}>" for a in answers for text in a.record["output"]
    ]
    assert programs == written
    assert [a.record["passed"] for a in answers] == [[False, False, True]] * 2
    assert [a.record["value"] for a in answers] == [pytest.approx(2 / 3)] * 2


@pytest.mark.slow
def test_a_killed_evaluation_resumes(
    tmp_path: Path, loaded: LoadedRecipe, variants: list[Variant], folder: ResultFolder
) -> None:
    asked = task(tmp_path, "match")
    running = evaluate([asked], variants, folder, OneLoad(loaded), batch_size=2)
    first = [next(running) for _ in range(7)]
    running.close()
    truncated = folder.answers("match", variants[1].title).path
    assert truncated.read_text().endswith("\n")
    with truncated.open("a") as file:
        file.write('{"key": "half of a li')  # as a kill leaves it
    answers = list(evaluate([asked], variants, folder, OneLoad(loaded), batch_size=2))
    assert sum(answer.cached for answer in answers) == len(first)
    assert len(answers) == 20
    assert "half of a li" not in truncated.read_text()
    whole = ResultFolder(tmp_path / "other")
    expected = list(evaluate([asked], variants, whole, OneLoad(loaded), batch_size=2))
    for variant in variants:
        assert [a.record for a in of(answers, variant)] == [a.record for a in of(expected, variant)]


def test_added_questions_roles_and_scales_reuse_answers(
    tmp_path: Path, loaded: LoadedRecipe, variants: list[Variant], folder: ResultFolder
) -> None:
    asked = task(tmp_path, "bits")
    list(evaluate([asked.first(2)], variants[:2], folder, OneLoad(loaded)))
    answers = list(evaluate([asked], variants, folder, OneLoad(loaded)))
    assert sum(answer.cached for answer in answers) == 4
    assert len(answers) == 20


@pytest.mark.slow
@pytest.mark.parametrize("change", ["prompt", "alpha", "generation", "weights"])
def test_changed_inputs_are_answered_again(
    change: str,
    tmp_path: Path,
    loaded: LoadedRecipe,
    variants: list[Variant],
    folder: ResultFolder,
    llama: tiny.Family,
) -> None:
    asked, tuned = task(tmp_path, "match").first(1), variants[-1]
    models = OneLoad(loaded)
    list(evaluate([asked], [tuned], folder, models))
    if change == "prompt":
        (question,) = asked.questions
        prompt = replace(question.prompt, plain="another")
        asked = replace(asked, questions=(replace(question, prompt=prompt),))
    elif change == "alpha":
        tuned = replace(tuned, alphas=(0.8, 1.4))
    elif change == "generation":
        asked = replace(asked, generation=replace(asked.generation, max_new_tokens=7))
    else:
        recipe = loaded.recipe.with_role(0, tiny.spec(llama.expert))
        tuned = replace(tuned, recipe=recipe)
    (answer,) = evaluate([asked], [tuned], folder, models)
    assert not answer.cached


@pytest.mark.slow
def test_a_checkpoint_is_loaded_after_the_recipe(
    tmp_path: Path,
    loaded: LoadedRecipe,
    variants: list[Variant],
    folder: ResultFolder,
    llama: tiny.Family,
) -> None:
    (direct,) = variants_of(loaded.recipe, [f"direct={llama.antiexpert}"], (1.0,), single_model)
    asked = task(tmp_path, "bits")
    models = OneLoad(loaded)
    answers = list(evaluate([asked], [direct, variants[0]], folder, models))
    assert models.loads == [direct.recipe, loaded.recipe]
    assert [len(of(answers, variant)) for variant in (direct, variants[0])] == [5, 5]


@pytest.mark.slow
def test_cancelling_keeps_answers(
    tmp_path: Path, loaded: LoadedRecipe, variants: list[Variant], folder: ResultFolder
) -> None:
    asked = task(tmp_path, "match")
    answers: list[AnsweredQuestion] = []
    running = evaluate([asked], variants, folder, OneLoad(loaded), 1, lambda: len(answers) == 3)
    with pytest.raises(Cancelled):
        answers.extend(running)
    assert len(answers) == 3
    cached = [a for a in evaluate([asked], variants, folder, OneLoad(loaded)) if a.cached]
    assert len(cached) == 3


def test_an_unusable_folder_is_named(
    tmp_path: Path, loaded: LoadedRecipe, variants: list[Variant]
) -> None:
    (tmp_path / "file").write_text("")
    folder = ResultFolder(tmp_path / "file")
    with pytest.raises(EvaluationError, match=r"file.*cannot be read"):
        list(evaluate([task(tmp_path, "bits")], variants, folder, OneLoad(loaded)))
    with pytest.raises(EvaluationError, match=r"cannot be written.*--output"):
        folder.answers("task", "view").append([{}])
    with pytest.raises(EvaluationError, match=r"cannot be written.*--output"):
        folder.write("results.json", {})


def test_file_names_are_unique(tmp_path: Path) -> None:
    names = [
        "tuned",
        "tuned ×0.5",
        "tuned x0.5",
        "tuned_x0.5",
        "tuned:A",
        "tuned/A",
        "../A",
        "한국",
    ]
    paths = {ResultFolder(tmp_path).answers("task", name).path for name in names}
    assert len(paths) == len(names)
    assert {path.parent for path in paths} == {tmp_path / "answers" / "task"}
