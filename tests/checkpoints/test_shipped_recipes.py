"""The recipes that ship with the program are what they say."""

from __future__ import annotations

import re

import pytest

from app.checkpoints.recipes.recipe_file import DEFAULT_RECIPE, builtin_recipes, find_recipe
from app.checkpoints.spec import CHAT, PLAIN
from app.resources import resource

NAMES = [name for name in builtin_recipes() if name != DEFAULT_RECIPE]
CONTINUING = ("gpt2-xl-positive", "llama2-13b-python")
"""Recipes that continue a text; the others answer a question."""
BRIDGED = ("llama3.3-70b-reasoning", "qwen3-30b-medical")
"""Recipes whose pair has another tokenizer than the base, which follows instructions itself."""


def test_the_demo_comes_first_and_names_differ() -> None:
    assert builtin_recipes()[0] == DEFAULT_RECIPE
    assert len(NAMES) == 18
    titles = [find_recipe(name).name for name in builtin_recipes()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_recipe_is_complete(name: str) -> None:
    recipe = find_recipe(name)
    assert recipe.untested
    assert recipe.sample_prompt
    assert 40 < len(recipe.description) < 400
    assert "\n" not in recipe.description
    sources = [spec.source for spec in recipe.checkpoints()]
    assert all(re.fullmatch(r"hub:[\w.-]+/[\w.-]+", source) for source in sources)
    assert len(set(sources)) == 3
    assert recipe.alphas == (1.0,)
    gated = any(source.startswith(("hub:meta-llama/", "hub:google/")) for source in sources)
    assert ("gated" in recipe.description) is gated


@pytest.mark.parametrize("name", NAMES)
def test_the_size_is_the_sum_of_what_the_file_says(name: str) -> None:
    recipe = find_recipe(name)
    text = resource("recipes", f"{name}.toml").read_text(encoding="utf-8")
    said = re.findall(r"#   (\S+): ([\d,]+) parameters × (\d) bytes", text)
    assert [f"hub:{model}" for model, *_ in said] == [s.source for s in recipe.checkpoints()]
    total = sum(int(count.replace(",", "")) * int(size) for _, count, size in said)
    assert recipe.download_bytes == total
    stored_wide = [int(size) == 4 and "gpt2" not in model for model, _, size in said]
    assert [spec.dtype == "bfloat16" for spec in recipe.checkpoints()] == stored_wide


@pytest.mark.parametrize("name", NAMES)
def test_base_and_antiexpert_read_the_same_and_the_expert_its_own(name: str) -> None:
    recipe = find_recipe(name)
    (pair,) = recipe.pairs
    question = "Question: {prompt}\n\nAnswer:\n"
    if name in BRIDGED:
        assert recipe.base.prompt == CHAT
        assert pair.antiexpert.prompt == question
        assert pair.expert.prompt in (CHAT, question)
        return
    assert pair.antiexpert.prompt == recipe.base.prompt
    if name in CONTINUING:
        assert pair.expert.prompt == recipe.base.prompt == PLAIN
    else:
        assert pair.expert.prompt == CHAT
        assert recipe.base.prompt == question


def test_only_the_distilled_model_has_ids_to_accept() -> None:
    accepted = {name: find_recipe(name).accepted_ids for name in NAMES}
    assert accepted.pop("qwen2.5-32b-reasoning") == (151643, 151648, 151649)
    assert set(accepted.values()) == {()}
