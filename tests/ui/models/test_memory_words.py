"""What the memory estimate is made of, in the language of the window; in English, the engine's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QTranslator
from PySide6.QtWidgets import QApplication

from app.checkpoints.memory.memory_changes import RoleFacts, find_changes
from app.checkpoints.preflight_report import DeviceMemory, MemoryEstimate, MemoryPart
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.ui.models.memory_change_words import change_title
from app.ui.models.memory_parts import part_title
from app.ui.translation import install_translations
from app.ui.words.role_words import role_title, role_titles


@pytest.fixture
def korean(qapp: QApplication) -> Iterator[None]:
    before = set(qapp.findChildren(QTranslator))
    install_translations(qapp, "ko")
    yield
    for translator in set(qapp.findChildren(QTranslator)) - before:
        qapp.removeTranslator(translator)
        translator.deleteLater()


def role(name: str) -> CheckpointSpec:
    return CheckpointSpec(f"hub:big/{name}")


def recipe_of(*names: str) -> Recipe:
    pairs = tuple(ExpertPair(name, role(name), role("untuned")) for name in names)
    return Recipe("big", role("base"), pairs)


def estimate(recipe: Recipe, free: int) -> MemoryEstimate:
    """Every change helps a little."""
    context = recipe.context or 4096
    needed = context + sum(
        9000 * (1 + (spec.dtype != "bfloat16") + (spec.quantization != "nf4") - spec.offload)
        for spec in recipe.checkpoints()
    )
    return MemoryEstimate(context, (DeviceMemory("cuda:0", (), needed, free, 200_000),))


@pytest.mark.parametrize("names", [("Style",), ("Style", "Sums")])
@pytest.mark.parametrize("free", [100, 40_000, 70_000], ids=["none", "combined", "single"])
def test_every_change_is_called_what_the_engine_calls_it(names: tuple[str, ...], free: int) -> None:
    recipe = recipe_of(*names)
    facts = [RoleFacts("float32", quantizable=True, accelerated=True)] * len(recipe.roles())
    changes = find_changes(recipe, facts, estimate(recipe, free), lambda r: estimate(r, free))
    assert len(changes) > 4
    for change in changes:
        assert change_title(recipe, change.recipe) == change.label


def test_a_change_in_korean(korean: None) -> None:
    recipe = recipe_of("Style")
    expert = CheckpointSpec("hub:big/Style", quantization="nf4")
    assert change_title(recipe, recipe.with_role(1, expert)) == "쌍 Style에 NF4"


_LABELS = [
    "base",
    "expert “A and B”",
    "base and anti-expert “A and B”",
    "expert “A and B” and anti-expert “A and B” and expert “C”",
    "expert “A and B”: adapter",
    "anti-expert “A and B” and anti-expert “C”: adapter",
    "something new",
]


@pytest.mark.parametrize("label", _LABELS)
def test_weights_are_called_by_the_roles_that_share_them(label: str) -> None:
    part = MemoryPart(label, "weights", 1)
    assert part_title(part, recipe_of("A and B", "C")) == label


@pytest.mark.parametrize(
    "label",
    [
        "KV cache",
        "logits and work",
        "logits kept for inspection",
        "CUDA graphs",
        "pinned memory of CUDA graphs",
        "libraries",
        "new",
    ],
)
def test_the_rest_has_the_names_of_the_engine(label: str) -> None:
    assert part_title(MemoryPart(label, "work", 1), recipe_of("A")) == label


def test_parts_in_korean(korean: None) -> None:
    recipe = recipe_of("A", "B")
    shared = MemoryPart("anti-expert “A” and anti-expert “B”", "weights", 1)
    assert part_title(shared, recipe) == "반전문가 “A” + 반전문가 “B”"
    assert part_title(MemoryPart("KV cache", "cache", 1), recipe) == "KV 캐시"


def test_roles_have_the_names_of_the_recipe_in_english_and_are_translated(
    request: pytest.FixtureRequest,
) -> None:
    recipe = recipe_of("A", "B")
    names = [name for name, _ in recipe.roles()]
    assert role_titles(recipe) == names
    request.getfixturevalue("korean")
    assert role_titles(recipe)[:3] == ["베이스", "전문가 “A”", "반전문가 “A”"]
    assert [role_title(name, recipe) for name in names] == role_titles(recipe)
    assert role_title("a role of another recipe", recipe) == "a role of another recipe"
