"""The probabilities that are kept of every token that the tuned distribution wrote."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from app.attribution.attribution import attribute
from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.decoding.decode import decode
from app.decoding.types import GenerationConfig
from app.evaluation.evaluator import Evaluator
from app.evaluation.requests import GenerateRequest, Prompt
from app.evaluation.variants import Variant, variants_of
from tests.evaluation.conftest import Load
from tests.evaluation.test_variants import single_model

PROMPTS = ["the king said", "How many? 12 + 30 =", "thou art"]


@pytest.fixture
def loaded(load: Load) -> LoadedRecipe:
    return load("llama")


def variant(loaded: LoadedRecipe, name: str) -> Variant:
    return variants_of(loaded.recipe, [name], (0.5,), single_model)[0]


def generated(loaded: LoadedRecipe, name: str, **settings: Any) -> list[Any]:
    config = GenerationConfig(**{"max_new_tokens": 8, "temperature": 0.0, **settings})
    requests = [GenerateRequest(Prompt(prompt), config) for prompt in PROMPTS]
    found = dict(Evaluator(loaded).generate(requests, variant(loaded, name)))
    return [found[place] for place in range(len(PROMPTS))]


@pytest.mark.slow
@torch.inference_mode()
@pytest.mark.parametrize("settings", [{}, {"temperature": 0.9, "top_p": 0.8, "seed": 3}])
def test_they_are_those_of_the_window(loaded: LoadedRecipe, settings: dict[str, Any]) -> None:
    tuned = variant(loaded, "tuned")
    for prompt, found in zip(PROMPTS, generated(loaded, "tuned", **settings), strict=True):
        prompts = loaded.encode(prompt)
        steps = decode(
            loaded.ensemble,
            prompts,
            GenerationConfig(**{"max_new_tokens": 8, "temperature": 0.0, **settings}),
            detokenizer=loaded.detokenizer(prompts[0]),
            eos_ids=loaded.eos_ids,
            alphas=lambda: tuned.alphas,
        )
        wanted = [
            (explained.p_base, explained.p_tuned)
            for step in steps
            for explained in [attribute(step.logits, step.alphas, step.token_id)]
        ]
        assert "".join(text for text, _, _ in found.shifted) == found.text
        told = [probabilities for _, *probabilities in found.shifted]
        assert told == [pytest.approx(pair, abs=1e-5) for pair in wanted[: len(told)]]
        assert len(told) == found.tokens


def test_what_is_cut_off_as_a_stop_string_is_not_counted(loaded: LoadedRecipe) -> None:
    whole = generated(loaded, "tuned")[0].text
    stop = whole[len(whole) // 2 :][:3]
    found = generated(loaded, "tuned", stop=(stop,))[0]
    assert found.text == whole[: whole.index(stop)]
    assert "".join(text for text, _, _ in found.shifted) == found.text


def test_a_role_alone_has_none(loaded: LoadedRecipe) -> None:
    assert all(found.shifted == () for found in generated(loaded, "expert"))


def test_without_weight_nothing_is_shifted(loaded: LoadedRecipe) -> None:
    """Weights of zero are a tuned distribution too: that of the base."""
    zero = replace(variant(loaded, "tuned"), alphas=(0.0, 0.0))
    request = GenerateRequest(Prompt(PROMPTS[0]), GenerationConfig(max_new_tokens=4, temperature=0))
    ((_, found),) = Evaluator(loaded).generate([request], zero)
    assert all(base == pytest.approx(tuned, abs=1e-6) for _, base, tuned in found.shifted)
