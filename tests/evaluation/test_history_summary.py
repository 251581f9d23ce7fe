"""Summaries of evaluations in the history, and evaluation with borrowed models."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.decoding.alpha_policy import parse_policy
from app.evaluation.history_summary import plan_of, results_of, summary_of
from app.evaluation.loading import ModelLoader
from app.evaluation.metrics import Measure
from app.evaluation.plan import Plan, parse_scales
from app.evaluation.results import Result, TaskResults
from app.evaluation.variants import Variant
from tests import tiny
from tests.evaluation.conftest import Load


def test_a_summary_survives_a_round_trip(tmp_path: Path, load: Load) -> None:
    recipe = load("llama").recipe
    plan = Plan(("a.toml",), ("base", "tuned"), (0.5, 1.0), ("x.jsonl",), 5, 2, allow_code=True)
    plan = replace(plan, policies=("kl:0.5",))
    direct = Variant("direct", recipe, "checkpoint", None)
    variants = [
        Variant("base", recipe, "base"),
        Variant("tuned", recipe, "tuned", None, (0.4,), 0.5, parse_policy("kl:0.5")),
        direct,
    ]
    measures = [Measure(0.2, 0.1, 5), Measure(0.5, None, 1), Measure(math.inf, None, 5)]
    found = [
        TaskResults("a", "exact match", True, tuple(map(Result, variants, measures, (0, 2, 0)))),
    ]
    summary = summary_of("one", plan, recipe, tmp_path, found, complete=True)
    assert plan_of(summary) == replace(plan, allow_code=False)
    (task,) = results_of(summary, recipe)
    assert [(r.variant.title, r.measure, r.truncated) for r in task.results] == [
        (variant.title, measure, truncated)
        for variant, measure, truncated in zip(variants, measures, (0, 2, 0), strict=True)
    ]


def test_files_of_a_plan_are_found_from_anywhere(
    tmp_path: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = load("llama").recipe
    monkeypatch.chdir(tmp_path)
    for name in ("mine.toml", "x=y.jsonl", "gsm8k-zero-shot"):
        (tmp_path / name).touch()
    plan = Plan(
        ("mine.toml", "gsm8k-zero-shot", "arc_easy"),
        ("base", "tuned"),
        data=("mine=x=y.jsonl", "z.jsonl"),
    )
    kept = plan_of(summary_of("one", plan, recipe, tmp_path, [], complete=False))
    assert kept.tasks == (str(tmp_path / "mine.toml"), "gsm8k-zero-shot", "arc_easy")
    assert kept.data == (f"mine={tmp_path / 'x=y.jsonl'}", "z.jsonl")


@pytest.mark.parametrize("text", ["", "1,,2", "x", "nan", "inf"])
def test_what_is_no_scale_is_said(text: str) -> None:
    with pytest.raises(Exception, match="α scales"):
        parse_scales(text)


def test_scales_are_told_once() -> None:
    assert parse_scales("0.5, 1,0.50") == (0.5, 1.0)


def test_lent_models_are_used_for_what_they_are(load: Load, llama: tiny.Family) -> None:
    borrowed = load("llama")
    models = ModelLoader(borrowed=borrowed)
    assert models.load(borrowed.recipe.with_alphas((0.0, 2.0))) is borrowed
    expert = CheckpointSpec(f"folder:{llama.expert}", dtype="float32")
    other = Recipe("other", expert, (ExpertPair("itself", expert, expert),))
    loaded = models.load(other)
    assert loaded is not borrowed
    assert loaded.ensemble.models[0].model is _model_of(borrowed, 1)  # read once for both
    assert models.load(borrowed.recipe) is borrowed


def _model_of(loaded: LoadedRecipe, role: int) -> object:
    return loaded.ensemble.models[loaded.context_index(role)].model
