"""Checkpoints loaded on the GPU: proved, quantised, and after memory ran out."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from app.checkpoints.devices import exhausted_device, is_out_of_memory
from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.opening import open_recipe
from app.checkpoints.preflight import preflight
from app.checkpoints.spec import ExpertPair, Recipe
from tests import tiny
from tests.decoding.texts import GREEDY, Text
from tests.nf4 import round_layers


def loaded_on(recipe: Recipe, device: torch.device, **options: str) -> LoadedRecipe:
    """The recipe, loaded as the program does."""
    for place, spec in enumerate(recipe.checkpoints()):
        recipe = recipe.with_role(place, replace(spec, device=str(device), **options))  # type: ignore[arg-type]
    opened = open_recipe(recipe)
    preflight(opened, recipe.sample_prompt)
    return load_recipe(opened, ())


PROMPT = [3, 1, 4, 1, 5, 9, 2, 6]


def text_of(loaded: LoadedRecipe) -> Text:
    return Text(loaded.ensemble, [PROMPT] * len(loaded.ensemble.names), GREEDY)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_a_loaded_recipe_gives_the_text_of_the_processor(
    device: torch.device, families: dict[str, tiny.Family], architecture: str
) -> None:
    recipe = families[architecture].recipe()
    there = loaded_on(recipe, device)
    assert text_of(there).ids == text_of(loaded_on(recipe, torch.device("cpu"))).ids
    assert there.ensemble.not_captured == "" or architecture == "gemma2" or device.type == "cpu"


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_loads_and_its_proof_gives_nothing_up(
    device: torch.device, llama: tiny.Family, dtype: str
) -> None:
    loaded = loaded_on(llama.recipe(), device, dtype=dtype)
    for role in loaded.roles:
        assert role.proof is not None, role
        assert not role.proof.given_up, role.proof
    assert len(text_of(loaded).ids) == GREEDY.max_new_tokens


@pytest.mark.slow
def test_4_bit_weights_are_those_of_the_paper(device: torch.device, wide: Path) -> None:
    if find_spec("bitsandbytes") is None:
        pytest.skip("needs bitsandbytes")
    spec = tiny.spec(wide)
    recipe = Recipe("4 bits", spec, (ExpertPair("Same", spec, spec),), sample_prompt="the king")
    row = text_of(loaded_on(recipe, device, quantization="nf4")).steps[0].logits.base
    plain = AutoModelForCausalLM.from_pretrained(wide, dtype=torch.float32).eval()
    round_layers(plain)
    wanted = plain(input_ids=torch.tensor([PROMPT])).logits[0, -1]
    torch.testing.assert_close(torch.from_numpy(row).float(), wanted, atol=1e-2, rtol=0)


@pytest.mark.slow
def test_memory_that_runs_out_is_told_and_the_next_run_works(
    device: torch.device, llama: tiny.Family
) -> None:
    if device.type != "cuda":
        pytest.skip("only CUDA has a limit of memory that a test can set")
    loaded = loaded_on(llama.recipe(), device)
    before = text_of(loaded).ids
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(
        (torch.cuda.memory_reserved(device) + 2**20) / total, device
    )
    try:
        with pytest.raises(RuntimeError) as raised:
            torch.empty(2**30, device=device)
        assert is_out_of_memory(raised.value)
        assert exhausted_device(raised.value) == str(device)
        with pytest.raises(Exception) as refused:  # noqa: PT011 — which kind is part of the check
            loaded_on(llama.recipe(0.5), device, dtype="float64")
        del refused
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
    assert text_of(loaded).ids == before
    assert text_of(loaded_on(llama.recipe(0.5), device)).ids


@pytest.mark.slow
def test_roles_on_two_devices_give_the_text_of_one(
    device: torch.device, llama: tiny.Family
) -> None:
    if device.type != "cuda" or torch.cuda.device_count() < 2:
        pytest.skip("needs two GPUs")
    recipe = llama.recipe()
    one = text_of(loaded_on(recipe, device)).ids
    recipe = recipe.with_role(1, replace(recipe.checkpoints()[1], device="cuda:1"))
    opened = open_recipe(recipe)
    preflight(opened, recipe.sample_prompt)
    assert text_of(load_recipe(opened, ())).ids == one
