"""The assistant proposes partners, names and a prompt format, and keeps what a person chose."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.checkpoints.candidates.local_model import LocalModel
from app.checkpoints.spec import CHAT, PLAIN, CheckpointSpec
from app.ui.state.models.recipe_assistant import RecipeAssistant
from tests.checkpoints.candidates.test_partners import FOREIGN, model

BASE = model("owner/Big-7B", 7000, kind="hub")
SMALL = model("Big-0.5B")
CHATTY = model("Big-0.5B-Instruct", has_chat_template=True)
OTHER = model("Big-1.5B-Instruct", 1500)
ADAPTER = model("pirate", 1, None, kind="adapter", adapts="Big-0.5B")
ALL = (BASE, SMALL, CHATTY, OTHER, ADAPTER, FOREIGN)


@pytest.fixture
def assistant(qapp: object) -> RecipeAssistant:
    assistant = RecipeAssistant()
    assistant.show_models(ALL)
    return assistant


def sources(assistant: RecipeAssistant) -> list[str]:
    recipe = assistant.recipe
    return [spec.source for spec in recipe.checkpoints()] if recipe else []


def expert(assistant: RecipeAssistant, wanted: LocalModel) -> None:
    listed = (*assistant.partners.experts, *assistant.partners.misfits)
    assistant.choose_expert(next(item for item in listed if item.model is wanted))


def test_the_first_proposal_is_a_whole_recipe(assistant: RecipeAssistant) -> None:
    recipe = assistant.recipe
    assert recipe is not None
    assert recipe.name == "Big-7B + Big-0.5B-Instruct"
    assert recipe.base == CheckpointSpec("hub:/models/owner/Big-7B")
    (pair,) = recipe.pairs
    assert (pair.name, pair.alpha) == ("Big-0.5B-Instruct", 1.0)
    assert pair.expert == CheckpointSpec("folder:/models/Big-0.5B-Instruct", prompt=CHAT)
    assert pair.antiexpert == CheckpointSpec("folder:/models/Big-0.5B")
    assert recipe.prompt == CHAT


def test_plain_text_can_be_chosen(assistant: RecipeAssistant) -> None:
    assistant.set_chat(False)
    recipe = assistant.recipe
    assert recipe is not None
    assert {recipe.prompt, *(spec.prompt for spec in recipe.checkpoints())} == {PLAIN}
    assistant.set_chat(True)
    assert assistant.recipe is not None
    assert assistant.recipe.prompt == CHAT


def test_chat_is_proposed_only_with_a_template(assistant: RecipeAssistant) -> None:
    expert(assistant, OTHER)
    assert not assistant.can_chat
    assistant.set_chat(True)
    assert assistant.recipe is not None
    assert assistant.recipe.prompt == PLAIN


def test_names_follow_the_models_until_they_are_typed(assistant: RecipeAssistant) -> None:
    expert(assistant, OTHER)
    assert (assistant.name, assistant.pair_name) == (
        "Big-7B + Big-1.5B-Instruct",
        "Big-1.5B-Instruct",
    )
    assistant.set_name(" Mine ")
    assistant.set_pair_name("Style")
    expert(assistant, CHATTY)
    assert (assistant.name, assistant.pair_name) == ("Mine", "Style")
    assistant.set_name("  ")
    assert assistant.name == "Big-7B + Big-0.5B-Instruct"


def test_an_expert_brings_its_anti_expert(assistant: RecipeAssistant) -> None:
    expert(assistant, OTHER)
    assert sources(assistant)[2] == BASE.source
    assistant.choose_antiexpert(assistant.antiexperts[-1])
    assert sources(assistant)[2] == assistant.antiexperts[-1].model.source
    expert(assistant, ADAPTER)
    recipe = assistant.recipe
    assert recipe is not None
    assert recipe.pairs[0].expert.over == recipe.pairs[0].antiexpert.source == SMALL.source


def test_an_adapter_has_the_template_of_the_model_that_it_adapts(qapp: object) -> None:
    over = model("Big-0.5B", has_chat_template=True)
    assistant = RecipeAssistant()
    assistant.show_models((BASE, over, ADAPTER))
    expert(assistant, ADAPTER)
    assert assistant.recipe is not None
    assert [spec.prompt for spec in assistant.recipe.checkpoints()] == [PLAIN, CHAT, CHAT]


def test_a_misfit_makes_no_recipe(assistant: RecipeAssistant) -> None:
    expert(assistant, FOREIGN)
    assert assistant.recipe is None
    assert assistant.misfit is not None
    assert assistant.antiexperts == ()
    expert(assistant, CHATTY)
    assert assistant.recipe is not None
    assert assistant.misfit is None


def test_another_base_keeps_an_expert_that_goes_with_it(assistant: RecipeAssistant) -> None:
    expert(assistant, OTHER)
    assistant.choose_base(SMALL)
    assert sources(assistant)[:2] == [SMALL.source, OTHER.source]
    assistant.choose_base(FOREIGN)  # whose tokens those of the pair are read for
    assert sources(assistant) == [FOREIGN.source, OTHER.source, SMALL.source]
    assert assistant.name == "Llama-3-8B-Instruct + Big-1.5B-Instruct"


def test_what_nobody_chose_is_proposed_anew_for_another_base_and_another_search(
    qapp: object,
) -> None:
    assistant = RecipeAssistant()
    assistant.show_models((SMALL, OTHER))
    assert sources(assistant)[:2] == [SMALL.source, OTHER.source]
    assistant.show_models((SMALL, OTHER, BASE, CHATTY))
    assert sources(assistant) == [BASE.source, CHATTY.source, SMALL.source]
    assistant.choose_base(CHATTY)
    assistant.choose_base(SMALL)
    assert sources(assistant)[:2] == [SMALL.source, CHATTY.source]


def test_choices_survive_another_search(assistant: RecipeAssistant) -> None:
    expert(assistant, OTHER)
    assistant.choose_antiexpert(assistant.antiexperts[-1])
    before = sources(assistant)
    assistant.show_models((*reversed(ALL), model("Big-0.3B-Instruct", 300)))
    assert sources(assistant) == before
    assistant.show_models((FOREIGN,))
    assert assistant.base is FOREIGN
    assert assistant.recipe is None
    assistant.show_models(())
    assert assistant.base is None


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (SMALL, [SMALL, ADAPTER]),  # an untuned model is the base
        (OTHER, [BASE, OTHER]),  # an instruct model is the expert
        (ADAPTER, [SMALL, ADAPTER]),  # an adapter is the expert over the model that it adapts
    ],
)
def test_a_wanted_model_gets_the_role_that_suits_it(
    qapp: object, wanted: LocalModel, chosen: list[LocalModel]
) -> None:
    assistant = RecipeAssistant()
    assistant.show_models((), wanted.folder)
    assert assistant.recipe is None
    assistant.show_models(ALL)
    assert sources(assistant)[:2] == [item.source for item in chosen]
    assistant.choose_base(BASE)
    assistant.show_models(ALL)  # it is wanted once
    assert assistant.base is BASE


def test_an_instruct_model_without_a_partner_is_the_base(qapp: object) -> None:
    assistant = RecipeAssistant()
    assistant.show_models(ALL, FOREIGN.folder)
    assert assistant.base is FOREIGN


def test_titles_have_no_owner_revision_or_format() -> None:
    names = ("owner/Name@v1", "Name.gguf", "owner/Name-GGUF", "Name")
    assert {LocalModel("hub:x/y", name, Path(name)).title for name in names} == {"Name"}
    shipped = LocalModel("builtin:demo/shakespeare", "shakespeare", Path("x"))
    assert shipped.title == "Shakespeare"
