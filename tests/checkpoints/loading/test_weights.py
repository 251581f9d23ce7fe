"""Weights in force: quantized, shared, placed and evaluated once."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import bitsandbytes
import pytest
import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedModel

from app.checkpoints.devices import is_out_of_memory
from app.checkpoints.loading import placement, weights
from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.loading.placement import split
from app.checkpoints.opening import open_recipe
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.errors import CheckpointError, DeviceError, TuneshiftError
from tests import tiny
from tests.nf4 import round_layers


def load(recipe: Recipe, **options: Any) -> LoadedRecipe:
    return load_recipe(open_recipe(recipe), (), **options)


def alone(spec: CheckpointSpec) -> Recipe:
    """A recipe in which every role is the same checkpoint."""
    return Recipe("r", spec, (ExpertPair("A", spec, spec),))


def models_of(loaded: LoadedRecipe) -> list[PreTrainedModel]:
    return [weights.model for weights in loaded.weights.values()]


def last_logits(loaded: LoadedRecipe, prompt: str = "the king said") -> torch.Tensor:
    with torch.inference_mode():
        return loaded.ensemble.prefill(loaded.encode(prompt)).rows[:, 0]


def quantized_by_hand(folder: Path, quantization: str, dtype: str) -> torch.nn.Module:
    """The model with every linear layer but the head rounded as bitsandbytes stores it."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
    if quantization == "nf4":
        round_layers(model)
        return model
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and name != "lm_head":
            stored = module.weight.data
            scale = stored.abs().amax(dim=1, keepdim=True) / 127
            module.weight.data = (stored / scale).round() * scale
    return model


@pytest.mark.slow
@pytest.mark.parametrize("quantization", ["int8", "nf4"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_quantized_weights_on_the_cpu(
    wide: Path, quantization: str, dtype: str, capfd: pytest.CaptureFixture[str]
) -> None:
    loaded = load(alone(tiny.spec(wide, quantization=quantization, dtype=dtype)))
    found = last_logits(loaded)[0]
    assert capfd.readouterr() == ("", "")
    (role, *_) = loaded.roles
    assert (role.quantization, role.dtype, role.offloaded) == (quantization, dtype, 0.0)
    ids = tiny.make_tokenizer().encode("the king said").ids
    with torch.inference_mode():
        expected = quantized_by_hand(wide, quantization, dtype)(torch.tensor([ids])).logits[0, -1]
    # Activations of int8 are rounded too, and bfloat16 keeps 8 bits.
    close = 0.25 if dtype == "bfloat16" or quantization == "int8" else 1e-3
    assert (found - expected).abs().max() < close
    plain = load(alone(tiny.spec(wide, dtype=dtype)))
    assert loaded.held_bytes()["cpu"] < plain.held_bytes()["cpu"]


def test_quantization_is_part_of_what_is_shared(wide: Path) -> None:
    plain = tiny.spec(wide)
    packed = replace(plain, quantization="nf4")
    loaded = load(
        Recipe("r", plain, (ExpertPair("A", packed, packed), ExpertPair("B", packed, plain)))
    )
    assert [role.quantization for role in loaded.roles] == ["none", "nf4", "nf4", "nf4", "none"]
    assert [role.shared for role in loaded.roles] == [False, False, True, True, True]


def test_4_bits_that_bitsandbytes_would_round_wrongly_are_refused(llama: tiny.Family) -> None:
    with pytest.raises(DeviceError, match=r"not accurate on the CPU.*rows of 32 weights"):
        load(alone(tiny.spec(llama.base, quantization="nf4")))


def test_quantization_that_the_device_cannot_do_is_refused(
    llama: tiny.Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bitsandbytes, "supported_torch_devices", {"cuda", "xpu"})
    with pytest.raises(DeviceError, match=r"nf4 quantization is not available on cpu.*cuda, xpu"):
        load(alone(tiny.spec(llama.base, quantization="nf4")))


@pytest.mark.slow
def test_a_stored_quantization_is_told_and_not_replaced(wide: Path, tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(
        wide,
        device_map={"": "cpu"},
        quantization_config=BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4"),
    )
    folder = Path(shutil.copytree(wide, tmp_path / "stored"))
    model.save_pretrained(folder)
    loaded = load(alone(tiny.spec(folder)))
    assert loaded.roles[0].quantization == "nf4"
    with pytest.raises(CheckpointError, match=r"quantized already.*nf4"):
        load(alone(tiny.spec(folder, quantization="int8")))


def test_a_quantization_without_its_library_is_named(llama: tiny.Family, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(llama.base, tmp_path / "model"))
    path = folder / "config.json"
    stored = {"quantization_config": {"quant_method": "gptq", "bits": 4}}
    path.write_text(json.dumps(json.loads(path.read_text()) | stored))
    with pytest.raises(CheckpointError, match=r"cannot be loaded.*GPTQ"):
        load(alone(tiny.spec(folder)))


def test_layers_that_do_not_fit_stay_in_main_memory(llama: tiny.Family) -> None:
    recipe = alone(tiny.spec(llama.base, offload=True))
    (role, *_) = open_recipe(recipe).roles
    size = role.files.weight_bytes
    everything = split(role, "cuda:0", 4 * size, 4 * size)
    assert (everything.device_map, everything.offloaded) == ({"": "cuda:0"}, 0.0)
    part = split(role, "cuda:0", int(0.9 * size), 4 * size)
    assert set(part.device_map.values()) == {"cuda:0", "cpu"}
    assert 0.1 <= part.offloaded < 0.9
    with pytest.raises(DeviceError, match="does not fit into cuda:0 and the main memory"):
        split(role, "cuda:0", size // 4, size // 4)


@pytest.mark.parametrize("quantization", ["int8", "nf4"])
def test_quantized_layers_count_as_small_as_they_are(llama: tiny.Family, quantization: str) -> None:
    (role, *_) = open_recipe(alone(tiny.spec(llama.base, offload=True))).roles
    packed = replace(role, spec=replace(role.spec, quantization=quantization))
    room = int(0.9 * role.files.weight_bytes)
    assert split(packed, "cuda:0", room, 10 * room).offloaded == 0.0
    assert split(role, "cuda:0", room, 10 * room).offloaded > 0.0


def test_offload_on_the_cpu_changes_nothing(llama: tiny.Family) -> None:
    loaded = load(alone(tiny.spec(llama.base, offload=True)))
    assert loaded.roles[0].offloaded == 0.0
    torch.testing.assert_close(last_logits(loaded), last_logits(load(alone(tiny.spec(llama.base)))))


@pytest.mark.slow
def test_offloaded_layers_are_evaluated(
    llama: tiny.Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hooks of accelerate, with “meta” between uses, as where an accelerator is full."""
    places = {"": "cpu"}
    monkeypatch.setattr(weights, "place", lambda role, device: placement.Placement(places, 0.5))
    recipe = alone(tiny.spec(llama.base, offload=True))
    expected = last_logits(load(recipe))
    loaded = load(recipe)
    (model,) = models_of(loaded)
    from accelerate import cpu_offload

    cpu_offload(model, torch.device("cpu"))
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}
    from app.decoding.language_model import TransformersLanguageModel

    with torch.inference_mode():
        ids = torch.tensor(tiny.make_tokenizer().encode("the king said").ids)
        torch.testing.assert_close(TransformersLanguageModel(model).extend(ids)[-1], expected[0])


@pytest.mark.slow
def test_the_context_of_a_recipe_bounds_every_role(llama: tiny.Family) -> None:
    loaded = load(replace(llama.recipe(), context=20))
    with torch.inference_mode():
        prompts = loaded.encode("the king said")
        loaded.ensemble.prefill(prompts)
    assert loaded.ensemble.remaining_context == 20 - len(prompts[0])
    assert load(replace(llama.recipe(), context=10**6)).ensemble.remaining_context == tiny.CONTEXT


def count_forwards(loaded: LoadedRecipe) -> list[int]:
    """How often each model is evaluated from now on, in the order of loading."""
    models = models_of(loaded)
    counts = [0] * len(models)
    for place, model in enumerate(models):

        def count(module: Any, given: Any, place: int = place) -> None:
            counts[place] += 1

        model.register_forward_pre_hook(count)
    return counts


@pytest.mark.parametrize(
    ("expert", "antiexpert", "forwards"),
    [
        ({}, {}, 1),  # everything is the same question to the same model
        ({"prompt": "As a king: {prompt}"}, {}, 2),
        ({"prompt": "As a king: {prompt}"}, {"prompt": "As a queen: {prompt}"}, 3),
        ({"prompt": "As a king: {prompt}"}, {"prompt": "As a king: {prompt}"}, 2),
    ],
)
def test_the_same_model_with_the_same_prompt_is_evaluated_once(
    llama: tiny.Family, expert: dict[str, str], antiexpert: dict[str, str], forwards: int
) -> None:
    spec = tiny.spec(llama.base)
    recipe = Recipe(
        "r", spec, (ExpertPair("A", replace(spec, **expert), replace(spec, **antiexpert)),)
    )
    loaded = load(recipe)
    counts = count_forwards(loaded)
    with torch.inference_mode():
        loaded.ensemble.prefill(loaded.encode("the king"))
        for token in (1, 2, 3):
            loaded.ensemble.extend([token])
    assert counts == [4 * forwards]  # one model, a prefill and three tokens


def test_any_exception_behind_another_is_seen() -> None:
    inner = RuntimeError(
        "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"
    )
    outer = ValueError("something else")
    outer.__cause__ = inner
    assert is_out_of_memory(outer)
    assert is_out_of_memory(OSError(12, "Cannot allocate memory"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(ValueError("allocated"))
    assert not is_out_of_memory(None)


def test_weights_that_were_not_downloaded_are_named(llama: tiny.Family) -> None:
    opened = open_recipe(llama.recipe())
    (base, *others) = opened.roles
    absent = replace(
        base,
        spec=replace(base.spec, source="hub:owner/name"),
        files=replace(base.files, weights=()),
    )
    with pytest.raises(TuneshiftError, match="owner/name is not on this machine yet"):
        load_recipe(replace(opened, roles=(absent, *others)), ())
