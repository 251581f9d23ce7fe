"""Recipes as values: pairs made of one checkpoint."""

from __future__ import annotations

import pytest
import torch

from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.opening import open_recipe
from app.checkpoints.spec import CheckpointSpec, Recipe, persona_pair
from app.checkpoints.vocabulary.compare import compare_vocabularies
from tests import tiny


@pytest.mark.parametrize(
    ("prompt", "chat", "expected"),
    [
        ("plain", False, "{system}\n\n{prompt}"),
        ("plain", True, "chat"),
        ("chat", False, "chat"),
        ("Q: {prompt} A:", False, "{system}\n\nQ: {prompt} A:"),
        ("Q: {prompt} A:", True, "chat"),
        ("{system}: {prompt}", False, "{system}: {prompt}"),
    ],
)
def test_a_persona_is_told_in_a_format_that_has_a_place_for_it(
    prompt: str, chat: bool, expected: str
) -> None:
    base = CheckpointSpec("folder:/m", dtype="float16", device="cpu", prompt=prompt)
    pair = persona_pair(base, "Pirate", "Be a pirate.", chat=chat)
    assert (pair.name, pair.alpha, pair.antiexpert) == ("Pirate", 1.0, base)
    assert pair.expert == CheckpointSpec(
        "folder:/m", dtype="float16", device="cpu", prompt=expected, system="Be a pirate."
    )


def test_a_persona_with_alpha_1_is_the_model_with_that_prompt(llama: tiny.Family) -> None:
    base = tiny.spec(llama.base)
    opened = open_recipe(Recipe("r", base, (persona_pair(base, "King", "the king said"),)))
    with torch.inference_mode():
        loaded = load_recipe(opened, compare_vocabularies(opened).masked_ids)
        assert [role.shared for role in loaded.roles] == [False, True, True]
        prompts = loaded.encode("the sea")
        assert len(prompts) == 2
        combined = loaded.ensemble.prefill(prompts).combined(0, (1.0,))
        model = llama.models()[0]
        ids = tiny.make_tokenizer().encode("the king said\n\nthe sea").ids
        expected = model(torch.tensor([ids])).logits[0, -1]
    torch.testing.assert_close(combined, expected, atol=1e-4, rtol=0)
