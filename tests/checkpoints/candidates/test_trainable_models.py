"""Which models can be trained to be the expert of a base."""

from __future__ import annotations

from app.checkpoints.candidates.local_model import LocalModel
from app.checkpoints.candidates.partners import Because, Reason
from app.checkpoints.candidates.trainable_models import trainable_models
from tests.checkpoints.candidates.test_partners import (
    ALL,
    BASE,
    BASE_CHAT,
    FOREIGN,
    MIDDLE,
    MIDDLE_CHAT,
    OTHER,
    SMALL,
    SMALL_CHAT,
    model,
)


def names(base: LocalModel, *models: LocalModel) -> list[str]:
    return [partner.model.name for partner in trainable_models(base, models)]


def test_small_untuned_models_with_the_tokenizer_of_the_base_come_first() -> None:
    found = trainable_models(BASE, ALL)
    assert [partner.model for partner in found] == [
        *(SMALL, MIDDLE, SMALL_CHAT, MIDDLE_CHAT, BASE_CHAT, BASE, FOREIGN)
    ]
    assert found[0].reasons == (
        Because(Reason.UNTUNED),
        Because(Reason.SAME_TOKENIZER),
    )
    assert found[-2].reasons == (Because(Reason.BASE_ITSELF),)
    assert found[-1].reasons == (Because(Reason.OTHER_TOKENIZER),)


def test_a_model_of_another_tokenizer_needs_no_companion() -> None:
    alone = model("Llama-3-8B", 8000, OTHER, architecture="llama")
    assert names(BASE, alone) == [BASE.name, alone.name]


def test_adapters_and_what_cannot_be_read_are_left_out() -> None:
    adapter = model("lora", 1, None, kind="adapter", adapts="Qwen2.5-7B")
    broken = model("broken", problem="It is damaged.")
    assert names(BASE, adapter, broken, BASE) == [BASE.name]


def test_shipped_models_come_after_a_persons_own() -> None:
    shipped = model("demo/antiexpert", 2, kind="builtin")
    assert names(BASE, shipped, MIDDLE) == [MIDDLE.name, shipped.name, BASE.name]
