from __future__ import annotations

import re
from dataclasses import replace

import pytest

from app.checkpoints.recipes.recipe_of_models import recipe_of_roles
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.errors import EvaluationError, RecipeError
from app.evaluation.variants import default_roles, variants_of
from tests import tiny
from tests.evaluation.conftest import TEMPLATE, two_pairs


@pytest.fixture
def recipe(llama: tiny.Family) -> Recipe:
    return two_pairs(llama)


def single_model(model: str) -> Recipe:
    return recipe_of_roles(model, [model], [model])


def test_roles_are_places_and_weights(recipe: Recipe) -> None:
    roles = ["base", "expert", "expert:Mood", "antiexpert:2", "tuned", "tuned:Mood"]
    found = variants_of(recipe, roles, (0.5, 1.0), single_model)
    assert [(variant.title, variant.role_index) for variant in found[:4]] == [
        ("base", 0),
        ("expert", 1),
        ("expert:Mood", 3),
        ("antiexpert:2", 4),
    ]
    assert [(variant.title, variant.alphas) for variant in found[4:]] == [
        ("tuned ×0.5", (0.4, 0.75)),
        ("tuned", (0.8, 1.5)),
        ("tuned:Mood ×0.5", (0.0, 0.75)),
        ("tuned:Mood", (0.0, 1.5)),
    ]


def test_every_expert_is_asked_where_nobody_says(recipe: Recipe) -> None:
    assert default_roles(recipe) == ("base", "expert:Style", "expert:Mood", "tuned")
    one = replace(recipe, pairs=recipe.pairs[:1])
    assert default_roles(one) == ("base", "expert", "tuned")
    places = [
        variant.role_index
        for variant in variants_of(recipe, default_roles(recipe), (1.0,), single_model)
    ]
    assert places == [0, 1, 3, None]


def test_a_checkpoint_is_prompted_like_the_first_expert(recipe: Recipe, llama: tiny.Family) -> None:
    found = variants_of(recipe, [str(llama.expert), f"direct={llama.base}"], (1.0,), single_model)
    assert [variant.name for variant in found] == ["expert", "direct"]
    for variant, folder in zip(found, (llama.expert, llama.base), strict=True):
        expected = CheckpointSpec(f"folder:{folder}", dtype="float32", prompt=TEMPLATE)
        assert set(variant.recipe.checkpoints()) == {expected}
        assert (variant.kind, variant.role_index) == ("checkpoint", 0)


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        (["tunde"], "no role “tunde”.*“tuned”"),
        (["zzz"], "no role “zzz”.*NAME=MODEL"),
        (["expert:Moody"], "no expert pair “Moody”.*Style, Mood"),
        (["tuned:0"], "no expert pair"),
        (["a=x", "a=y"], "the name “a”"),
    ],
)
def test_what_is_no_role_is_said(recipe: Recipe, roles: list[str], said: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        variants_of(recipe, roles, (1.0,), single_model)
    assert re.search(said, str(raised.value))


def test_a_model_that_cannot_be_understood_is_refused(recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match="hub:owner/name"):
        variants_of(recipe, ["direct=owner/name"], (1.0,), single_model)
