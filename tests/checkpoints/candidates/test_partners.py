"""Which models go together, in the order in which they are proposed."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.checkpoints.candidates.local_model import LocalModel
from app.checkpoints.candidates.model_finder import find_local_models
from app.checkpoints.candidates.model_names import tuning_of
from app.checkpoints.candidates.partners import (
    Because,
    Partners,
    Reason,
    antiexperts_for,
    companions_of,
    partners_for,
    possible_bases,
)
from app.checkpoints.candidates.token_digest import TokenDigest

TOKENS = [f"t{index}" for index in range(1000)]
QWEN = TokenDigest(TOKENS)
ALMOST = TokenDigest([*TOKENS[:995], *["x"] * 5])
OTHER = TokenDigest([f"u{index}" for index in range(1000)])


def model(
    name: str,
    millions: int = 500,
    vocabulary: TokenDigest | None = QWEN,
    *,
    kind: str = "folder",
    architecture: str = "qwen2",
    **facts: object,
) -> LocalModel:
    """A model whose shape follows from its size."""
    return LocalModel(
        f"{kind}:/models/{name}",
        name,
        Path("/models", name),
        architecture,
        (millions, millions // 20),
        millions * 1_000_000,
        vocabulary,
        tuning=tuning_of(name),
        **facts,  # type: ignore[arg-type]
    )


BASE = model("Qwen2.5-7B", 7000)
BASE_CHAT = model("Qwen2.5-7B-Instruct", 7000)
SMALL = model("Qwen2.5-0.5B")
SMALL_CHAT = model("Qwen2.5-0.5B-Instruct")
MIDDLE = model("Qwen2.5-1.5B", 1500)
MIDDLE_CHAT = model("Qwen2.5-1.5B-Instruct", 1500)
FOREIGN = model("Llama-3-8B-Instruct", 8000, OTHER, architecture="llama")
ALL = (FOREIGN, SMALL, SMALL_CHAT, BASE_CHAT, BASE, MIDDLE_CHAT, MIDDLE)


def experts(partners: Partners) -> list[str]:
    return [partner.model.name for partner in partners.experts]


def antiexperts(base: LocalModel, models: tuple[LocalModel, ...]) -> list[str]:
    first = partners_for(base, models).experts[0]
    return [partner.model.name for partner in antiexperts_for(base, first, models)]


def test_small_instruct_models_come_first_and_their_untuned_versions_last() -> None:
    partners = partners_for(BASE, ALL)
    assert experts(partners) == [
        "Qwen2.5-1.5B-Instruct",
        "Qwen2.5-0.5B-Instruct",
        "Qwen2.5-7B-Instruct",
        "Qwen2.5-1.5B",
        "Qwen2.5-0.5B",
    ]
    reasons = [[item.reason for item in partner.reasons] for partner in partners.experts]
    assert reasons[0] == [Reason.INSTRUCT_OF_FAMILY, Reason.SAME_TOKENIZER]
    assert reasons[-1] == [Reason.UNTUNED, Reason.SAME_TOKENIZER]
    (misfit,) = partners.misfits
    assert misfit.model is FOREIGN
    assert misfit.reason == Because(Reason.OTHER_VOCABULARY, count=1000)


def test_the_anti_expert_is_the_experts_own_untuned_version() -> None:
    assert antiexperts(BASE, ALL) == [
        "Qwen2.5-1.5B",
        "Qwen2.5-7B",
        "Qwen2.5-0.5B",  # untuned models before tuned ones
        "Qwen2.5-0.5B-Instruct",
        "Qwen2.5-7B-Instruct",
    ]
    first = partners_for(BASE, ALL).experts[1]
    version = antiexperts_for(BASE, first, ALL)[0]
    assert version.model is SMALL
    assert version.reasons == (Because(Reason.UNTUNED_VERSION, "Qwen2.5-0.5B-Instruct"),)


def test_without_an_untuned_version_the_base_itself_is_the_anti_expert() -> None:
    models = (BASE, SMALL_CHAT)
    assert antiexperts(BASE, models) == ["Qwen2.5-7B"]
    expert = partners_for(BASE, models).experts[0]
    assert antiexperts_for(BASE, expert, models)[0].reasons == (Because(Reason.BASE_ITSELF),)


def test_the_base_is_the_untuned_version_of_an_expert_of_its_size() -> None:
    models = (BASE, BASE_CHAT, SMALL)
    expert = partners_for(BASE, models).experts[0]
    first = antiexperts_for(BASE, expert, models)[0]
    assert first.model is BASE
    assert first.reasons[0].reason is Reason.UNTUNED_VERSION


def test_an_expert_with_an_untuned_version_comes_before_one_without() -> None:
    assert experts(partners_for(BASE, (BASE, MIDDLE_CHAT, SMALL_CHAT, SMALL)))[:2] == [
        "Qwen2.5-0.5B-Instruct",
        "Qwen2.5-1.5B-Instruct",
    ]


def test_a_model_beside_one_that_is_called_base_is_tuned() -> None:
    base = model("Qwen3-8B-Base", 8000)
    tuned, untuned = model("Qwen3-0.6B", 600), model("Qwen3-0.6B-Base", 600)
    models = (base, untuned, tuned)
    assert experts(partners_for(base, models)) == ["Qwen3-0.6B", "Qwen3-0.6B-Base"]
    assert antiexperts(base, models)[0] == "Qwen3-0.6B-Base"


def test_a_fine_tune_of_any_name_is_compared_with_the_untuned_model_of_its_size() -> None:
    mine = model("pirate")
    models = (BASE, mine, SMALL, SMALL_CHAT)
    expert = next(item for item in partners_for(BASE, models).experts if item.model is mine)
    assert antiexperts_for(BASE, expert, models)[0].model is SMALL


def test_the_origin_that_a_model_card_names_comes_first() -> None:
    mine = model("pirate", origin="Sailor-0.5B")
    sailor = model("Sailor-0.5B")
    models = (BASE, SMALL, SMALL_CHAT, mine, sailor)
    expert = next(item for item in partners_for(BASE, models).experts if item.model is mine)
    assert antiexperts_for(BASE, expert, models)[0].model is sailor


def test_a_packed_expert_prefers_the_packed_untuned_version() -> None:
    chat = model("Qwen2.5-0.5B-Instruct-q4_k_m", kind="gguf")
    packed = model("Qwen2.5-0.5B-q4_k_m", kind="gguf")
    models = (BASE, SMALL, packed, chat)
    assert antiexperts(BASE, models)[0] == "Qwen2.5-0.5B-q4_k_m"


def test_few_different_ids_and_larger_models_are_said() -> None:
    large = model("Qwen2.5-14B-Instruct", 14000, ALMOST)
    (partner,) = partners_for(BASE, (large,)).experts
    assert partner.reasons[1:] == (
        Because(Reason.FEW_IDS_DIFFER, count=5),
        Because(Reason.LARGER),
    )


@pytest.mark.parametrize("adapts", ["Qwen/Qwen2.5-0.5B", "/models/Qwen2.5-0.5B", "qwen2.5-0.5b"])
def test_an_adapter_goes_over_the_model_that_it_was_trained_on(adapts: str) -> None:
    adapter = model("pirate-lora", 1, None, kind="adapter", adapts=adapts)
    models = (BASE, MIDDLE, SMALL, adapter)
    partner = partners_for(BASE, models).experts[0]
    assert (partner.model, partner.over) == (adapter, SMALL)
    assert partner.reasons[0] == Because(Reason.ADAPTER, "Qwen2.5-0.5B")
    first = antiexperts_for(BASE, partner, models)[0]
    assert first.model is SMALL
    assert first.reasons == (Because(Reason.ADAPTED_MODEL, "pirate-lora"),)
    assert adapter not in [item.model for item in antiexperts_for(BASE, partner, models)]


def test_an_adapter_over_the_base_has_the_base_as_anti_expert() -> None:
    adapter = model("pirate-lora", 1, None, kind="adapter", adapts="Qwen2.5-7B")
    partner = partners_for(BASE, (BASE, adapter)).experts[0]
    assert partner.over is BASE
    (only,) = antiexperts_for(BASE, partner, (BASE, adapter))
    assert only.reasons[0].reason is Reason.ADAPTED_MODEL


def test_an_adapter_over_a_larger_model_comes_after_smaller_experts() -> None:
    adapter = model("pirate-lora", 1, None, kind="adapter", adapts="Qwen2.5-7B")
    partners = partners_for(MIDDLE, (BASE, MIDDLE, SMALL, SMALL_CHAT, adapter))
    assert experts(partners)[:2] == ["Qwen2.5-0.5B-Instruct", "pirate-lora"]
    assert Because(Reason.LARGER) in partners.experts[1].reasons


def test_what_cannot_be_used_says_why() -> None:
    broken = model("broken", problem="It is damaged.")
    lost = model("lora", 1, None, kind="adapter", adapts="Nobody/Has-This")
    foreign = model("lora-2", 1, None, kind="adapter", adapts="Llama-3-8B-Instruct")
    partners = partners_for(BASE, (BASE, broken, lost, foreign, FOREIGN))
    assert partners.experts == ()
    assert [item.reason for item in partners.misfits] == [
        Because(Reason.UNUSABLE, "It is damaged."),
        Because(Reason.MODEL_IS_MISSING, "Nobody/Has-This"),
        Because(Reason.OTHER_VOCABULARY, count=1000),
    ]
    assert [item.model for item in partners.bridged] == [foreign]
    assert [item.model for item in antiexperts_for(BASE, partners.bridged[0], ALL)] == [FOREIGN]


def test_experts_of_another_tokenizer_come_after_the_others_with_their_own_anti_expert() -> None:
    untuned = model("Llama-3-8B", 8000, OTHER, architecture="llama")
    models = (FOREIGN, untuned, BASE, SMALL_CHAT)
    partners = partners_for(BASE, models)
    assert [item.model for item in partners.possible] == [SMALL_CHAT, FOREIGN, untuned]
    tuned = partners.bridged[0]
    assert Because(Reason.OTHER_TOKENIZER) in tuned.reasons
    assert partners.misfits == ()
    (anti,) = antiexperts_for(BASE, tuned, models)
    assert anti.model is untuned
    assert anti.reasons == (Because(Reason.UNTUNED_VERSION, "Llama-3-8B-Instruct"),)
    assert [each.model for each in companions_of(untuned, models)] == [FOREIGN]


def test_bases_are_large_untuned_models_with_partners() -> None:
    broken = model("broken", problem="It is damaged.")
    adapter = model("lora", 1, None, kind="adapter", adapts="Qwen2.5-7B")
    order = [item.name for item in possible_bases((*ALL, broken, adapter))]
    assert order == [
        "Qwen2.5-7B",
        "Qwen2.5-1.5B",
        "Qwen2.5-0.5B",
        "Qwen2.5-7B-Instruct",
        "Qwen2.5-1.5B-Instruct",
        "Qwen2.5-0.5B-Instruct",
        "Llama-3-8B-Instruct",
    ]


def test_the_demo_puts_itself_together() -> None:
    models = find_local_models([])
    base = next(item for item in models if item.source == "builtin:demo/base")
    partners = partners_for(base, models)
    assert experts(partners) == ["arithmetic", "shakespeare", "antiexpert"]
    assert antiexperts(base, models)[0] == "antiexpert"
    assert partners.misfits == ()


def test_shipped_models_are_not_listed_beside_others() -> None:
    partners = partners_for(FOREIGN, find_local_models([]))
    assert (partners.experts, partners.misfits) == ((), ())
