"""Tests of recipe changes: sources, options, suggested changes and undo."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.checkpoints.spec import (
    CHAT,
    DTYPES,
    PERSONA_TEMPLATE,
    QUANTIZATIONS,
    CheckpointSpec,
    ExpertPair,
    Recipe,
)
from app.engine.commands import Load
from app.settings import Settings
from app.ui.state.models.recipe_state import PERSONA, RecipeState, carry_over
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge

SPECS = st.builds(
    CheckpointSpec,
    source=st.sampled_from(["folder:/a", "hub:x/y"]),
    dtype=st.sampled_from(DTYPES),
    quantization=st.sampled_from(QUANTIZATIONS),
    offload=st.booleans(),
)
RECIPES = st.builds(
    lambda base, expert, anti, alpha, context: Recipe(
        "r", base, (ExpertPair("p", expert, anti, alpha),), context=context
    ),
    SPECS,
    SPECS,
    SPECS,
    st.floats(-2, 4),
    st.integers(0, 4096),
)


@pytest.mark.slow
@given(before=RECIPES, after=RECIPES)
def test_carrying_a_change_over_to_its_start_gives_its_end(before: Recipe, after: Recipe) -> None:
    carried = carry_over(before, before, after)
    assert carried.checkpoints() == after.checkpoints()
    assert carried.context == after.context
    assert carried.alphas == before.alphas


@given(recipe=RECIPES, before=RECIPES)
def test_carrying_over_no_change_has_no_effect(recipe: Recipe, before: Recipe) -> None:
    assert carry_over(recipe, before, before) == recipe


def test_a_suggested_change_does_not_copy_preferences_into_the_recipe(
    bridge: FakeBridge, recipe: Recipe
) -> None:
    session = Session(bridge, recipe, Settings(dtype="float32"))  # type: ignore[arg-type]
    session.load()
    bridge.ready()
    bridge.check()
    assert session.preflight is not None
    checked = session.preflight.recipe
    assert checked.base.dtype == "float32"
    smaller = checked.with_role(1, replace(checked.pairs[0].expert, quantization="nf4"))
    session.set_alpha(0, 2.0)
    session.apply_difference("NF4", checked, smaller)
    assert session.recipe.pairs[0].expert.quantization == "nf4"
    assert session.recipe.pairs[0].expert.dtype == "auto"
    assert session.recipe.alphas == (2.0, 0.4)
    assert bridge.last(Load).recipe.pairs[0].expert.quantization == "nf4"
    session.undo_stack.undo()
    assert session.recipe.pairs[0].expert.quantization == "none"


def test_an_adapter_is_applied_to_the_antiexpert_of_its_pair(qapp: object, recipe: Recipe) -> None:
    state = RecipeState(recipe)
    state.set_source(1, "adapter:/lora")
    assert state.recipe.pairs[0].expert.over == "builtin:demo/antiexpert"
    state.set_source(2, "folder:/other")
    assert state.recipe.pairs[0].expert.over == "folder:/other"
    assert state.recipe.pairs[1].antiexpert.source == "builtin:demo/antiexpert"
    state.set_source(1, "folder:/plain")
    assert state.recipe.pairs[0].expert.over == ""
    for _ in range(3):
        state.undo_stack.undo()
    assert state.recipe == recipe


@pytest.mark.parametrize("chat", [True, False])
def test_a_persona_differs_from_the_base_in_its_prompt_only(
    qapp: object, recipe: Recipe, chat: bool
) -> None:
    state = RecipeState(recipe)
    state.add_persona(chat)
    pair = state.recipe.pairs[-1]
    assert pair.antiexpert == recipe.base
    assert pair.expert.prompt == (CHAT if chat else PERSONA_TEMPLATE)
    assert pair.expert.system == PERSONA
    assert replace(pair.expert, prompt=recipe.base.prompt, system="") == recipe.base
    state.undo_stack.undo()
    assert state.recipe == recipe


def test_the_undo_stack_is_bounded(session: Session) -> None:
    for number in range(300):
        session.rename_pair(0, f"name {number}")
    assert session.undo_stack.count() == 200
    session.undo_stack.undo()
    assert session.recipe.pairs[0].name == "name 298"


def test_unchanged_recipes_make_no_undo_step(session: Session, bridge: FakeBridge) -> None:
    session.set_spec(0, session.recipe.base)
    session.set_context(0)
    session.accept_ids(())
    assert session.undo_stack.count() == 0
    assert bridge.commands == []


@pytest.mark.parametrize(
    ("change", "loads"),
    [
        (lambda s: s.set_context(512), True),
        (lambda s: s.accept_ids((7,)), True),
        (lambda s: s.set_spec(0, replace(s.recipe.base, prompt="chat")), True),
        (lambda s: s.set_alpha(0, 2.0), False),
        (lambda s: s.rename_pair(0, "x"), False),
    ],
)
def test_only_changes_of_models_load_them(
    loaded_session: Session, bridge: FakeBridge, change: object, loads: bool
) -> None:
    count = len(bridge.commands)
    change(loaded_session)  # type: ignore[operator]
    assert any(isinstance(c, Load) for c in bridge.commands[count:]) is loads
    loaded_session.undo_stack.undo()
    assert sum(isinstance(c, Load) for c in bridge.commands[count:]) == 2 * loads
