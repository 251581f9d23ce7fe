"""The α of each pair as arguments of a request."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.checkpoints.spec import Recipe
from app.errors import SettingsError
from app.inside_vllm.alpha_arguments import check_numbers, read_alphas
from tests import tiny


@pytest.fixture
def recipe(llama: tiny.Family) -> Recipe:
    one = llama.recipe(alpha=0.7)
    return replace(one, pairs=(*one.pairs, replace(one.pairs[0], name="Much.more", alpha=-1.0)))


@pytest.mark.parametrize(
    ("arguments", "alphas"),
    [
        (None, (0.7, -1.0)),
        ({"session_id": "x"}, (0.7, -1.0)),
        ({"alpha": 0}, (0.0, 0.0)),
        ({"alpha.Style": 2}, (2.0, -1.0)),
        ({"alpha": 0.5, "alpha.Much.more": 0}, (0.5, 0.0)),
    ],
)
def test_each_pair_has_its_own(
    recipe: Recipe, arguments: dict[str, object] | None, alphas: tuple[float, float]
) -> None:
    assert read_alphas(arguments, recipe) == alphas


@pytest.mark.parametrize("value", ["1", True, None, float("nan"), float("inf"), [1]])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(SettingsError, match="alpha must be a finite number"):
        check_numbers({"alpha": value})


def test_an_unknown_pair_is_refused_with_the_names_of_all(recipe: Recipe) -> None:
    with pytest.raises(SettingsError, match=r"no pair “style” \(the pairs are “Style”, “Much.more"):
        read_alphas({"alpha.style": 1}, recipe)
