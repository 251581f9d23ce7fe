"""Packed weights against the same weights in float32, and every model that has to stay as it is."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedModel, Qwen3MoeConfig

from app.checkpoints.devices import cpu_has_bfloat16
from app.checkpoints.loading import packed_weights as packing
from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.loading.packed_weights import (
    FEW_ROWS,
    PackedLinear,
    pack_models,
    packed_weights,
)
from app.checkpoints.opening import open_recipe
from app.checkpoints.preflight_report import DeviceMemory, MemoryEstimate, MemoryPart
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.checkpoints.status import LoadProgress
from app.decoding.language_model import TransformersLanguageModel
from app.errors import Cancelled
from tests import tiny

ROOM = 1 << 34
PACKABLE = [name for name in tiny.ARCHITECTURES if name != "gpt2"]  # whose layers are no nn.Linear

pytestmark = [
    pytest.mark.skipif(
        torch.backends.quantized.engine not in packing._ENGINES, reason="torch without FBGEMM"
    ),
    # PEFT asks transformers for a name that is going away.
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning"),
]


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def in_dtype(model: PreTrainedModel, dtype: torch.dtype) -> PreTrainedModel:
    return copy.deepcopy(model).to(dtype)


def logits(model: PreTrainedModel, tokens: list[int]) -> torch.Tensor:
    return model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("architecture", PACKABLE)
def test_few_tokens_are_computed_in_float32(architecture: str, dtype: torch.dtype) -> None:
    """The oracle: the stored weights, converted, in plain float32 layers."""
    model = in_dtype(tiny.make_model(architecture, 3), dtype)
    expected = in_dtype(model, torch.float32)
    assert pack_models([model], ROOM) > 0
    read = TransformersLanguageModel(model)
    tokens = [(37 * place) % tiny.VOCABULARY for place in range(FEW_ROWS + 9)]
    found = [read.extend(torch.tensor(tokens[:FEW_ROWS]), FEW_ROWS)]
    found += [read.extend(torch.tensor([token])) for token in tokens[FEW_ROWS:]]
    # Gemma scales its embeddings in the dtype that they are stored in.
    close = 0.05 if architecture == "gemma2" else 2e-3
    torch.testing.assert_close(torch.cat(found), logits(expected, tokens), atol=close, rtol=1e-3)


def test_long_blocks_are_computed_with_the_weights_as_stored() -> None:
    model = in_dtype(tiny.make_model("qwen2", 3), torch.bfloat16)
    plain = in_dtype(model, torch.float32)
    before = [parameter.data_ptr() for parameter in model.parameters() if parameter.ndim > 1]
    pack_models([model], ROOM)
    assert [p.data_ptr() for p in model.parameters() if p.ndim > 1] == before
    tokens = [(37 * place) % tiny.VOCABULARY for place in range(FEW_ROWS + 1)]
    found, expected = logits(model, tokens), logits(plain, tokens)
    error = (found - expected).abs().max()
    assert 1e-4 < error < 0.3 or not cpu_has_bfloat16()
    assert found.dtype is torch.float32


def test_a_large_matrix_is_packed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_CHUNK", 1000)
    linear = nn.Linear(100, 57, dtype=torch.bfloat16)
    packed = packing._pack(linear.weight)
    assert packed is not None
    assert len(packed._parts) == 6
    values = torch.randn(3, 100)
    expected = values @ linear.weight.float().T
    torch.testing.assert_close(PackedLinear(linear, packed)(values), expected + linear.bias.float())


def _moe() -> PreTrainedModel:
    config = Qwen3MoeConfig(
        vocab_size=64,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        moe_intermediate_size=16,
        num_experts=4,
        num_experts_per_tok=2,
    )
    return AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()


def _too_large() -> PreTrainedModel:
    model = in_dtype(tiny.make_model("llama", 0), torch.bfloat16)
    model.model.layers[1].mlp.up_proj.weight.data[3, 5] = 70_000
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda: tiny.make_model("llama", 0),
        lambda: in_dtype(tiny.make_model("gpt2", 0), torch.bfloat16),
        _moe,
        _too_large,
    ],
    ids=["float32", "other layers", "experts", "beyond float16"],
)
def test_what_cannot_be_packed_stays_as_it_is(make: Callable[[], PreTrainedModel]) -> None:
    model = make()
    tokens = [1, 2, 3]
    expected = logits(model, tokens)
    assert pack_models([model], ROOM) == 0
    assert list(packed_weights(model)) == []
    torch.testing.assert_close(logits(model, tokens), expected, atol=0, rtol=0)


def test_models_are_packed_as_far_as_there_is_room() -> None:
    models = [in_dtype(tiny.make_model("llama", seed), torch.bfloat16) for seed in range(3)]
    size = sum(m.weight.nbytes for m in models[0].modules() if isinstance(m, nn.Linear))
    room = torch.get_num_threads() * packing._CHUNK * 4 + 2 * size
    seen: list[tuple[int, int]] = []
    assert pack_models(models, room - 1, lambda done, total: seen.append((done, total))) == size
    assert [bool(list(packed_weights(model))) for model in models] == [True, False, False]
    assert seen[-1] == (size, size)
    assert seen == sorted(seen)
    assert pack_models(models, room) == 2 * size  # the first has its own already
    assert all(list(packed_weights(model)) for model in models)


def test_cancelling_leaves_the_model_as_it_was() -> None:
    model = in_dtype(tiny.make_model("llama", 0), torch.bfloat16)
    asked = iter([False] * 4 + [True] * 100)
    with pytest.raises(Cancelled):
        pack_models([model], ROOM, cancelled=lambda: next(asked))
    assert list(packed_weights(model)) == []


def _bfloat16(recipe: Recipe) -> Recipe:
    for place, spec in enumerate(recipe.checkpoints()):
        recipe = recipe.with_role(place, replace(spec, dtype="bfloat16"))
    return recipe


def _load(recipe: Recipe, **options: object) -> LoadedRecipe:
    return load_recipe(open_recipe(recipe), (), **options)  # type: ignore[arg-type]


def _rows(loaded: LoadedRecipe) -> torch.Tensor:
    return loaded.ensemble.prefill(loaded.encode("the king said")).rows[:, 0]


@pytest.mark.slow
def test_a_recipe_is_packed_into_spare_memory(llama: tiny.Family) -> None:
    recipe = _bfloat16(llama.recipe())
    plain = _load(recipe)
    seen: list[LoadProgress] = []
    loaded = _load(recipe, spare=ROOM, on_progress=seen.append)
    added = sum(p.nbytes for w in loaded.weights.values() for p in packed_weights(w.model))
    norms = sum(  # they are in float32 now
        parameter.nbytes // 2
        for weights in loaded.weights.values()
        for parameter in weights.model.parameters()
        if parameter.ndim == 1
    )
    assert added > 0
    assert loaded.held_bytes()["cpu"] == plain.held_bytes()["cpu"] + added + norms
    assert [replace(role, proof=None) for role in loaded.roles] == [
        replace(role, proof=None) for role in plain.roles
    ]
    packing = [progress for progress in seen if not progress.proving]
    assert packing[-1] == LoadProgress("base", added, added, packing=True)
    exact = torch.stack(
        [logits(in_dtype(w.model, torch.float32), loaded.encode("the king said")[0])[-1]
         for w in plain.weights.values()]
    )  # fmt: skip
    torch.testing.assert_close(_rows(loaded), exact, atol=2e-3, rtol=1e-3)
    assert (_rows(plain) - exact).abs().max() > 1e-2


@pytest.mark.slow
@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("lora", ["bfloat16", "float32"])
def test_an_adapter_over_packed_weights_shares_them(
    llama: tiny.Family, tmp_path: Path, held: bool, lora: str
) -> None:
    """Packed together with its model, or put over a model that was packed by an earlier load."""
    from peft import LoraConfig, get_peft_model

    with torch.inference_mode(False):
        base = AutoModelForCausalLM.from_pretrained(llama.antiexpert, dtype=lora)
        settings = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
        model = get_peft_model(base, settings)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "lora_" in name:
                    parameter.add_(0.1 * torch.randn_like(parameter))
        model.save_pretrained(tmp_path)
    antiexpert = tiny.spec(llama.antiexpert, dtype="bfloat16")
    expert = CheckpointSpec(
        f"adapter:{tmp_path}", over=f"folder:{llama.antiexpert}", dtype="bfloat16"
    )
    base_spec = tiny.spec(llama.base, dtype="bfloat16")
    recipe = Recipe("r", base_spec, (ExpertPair("A", expert, antiexpert),))
    exact = _rows(_load(recipe))
    before = _load(_bfloat16(llama.recipe()), spare=ROOM).weights if held else None
    loaded = _load(recipe, spare=ROOM, held=before)
    found = _rows(loaded)
    assert found.dtype is torch.float32
    torch.testing.assert_close(found, exact, atol=0.3, rtol=0.05)
    shared = {id(part) for w in loaded.weights.values() for part in packed_weights(w.model)}
    apart = sum(len(list(packed_weights(w.model))) for w in loaded.weights.values())
    assert len(shared) < apart


def test_spare_is_what_nothing_needs_with_caches_twice_as_large() -> None:
    parts = (MemoryPart("KV cache", "cache", 10), MemoryPart("base", "weights", 50))
    host = DeviceMemory("cpu", parts, peak=70, free=100, total=200)
    accelerator = DeviceMemory("cuda:0", (), peak=5, free=1000, total=2000)
    assert MemoryEstimate(8, (accelerator, host)).spare == 20
    assert MemoryEstimate(8, (replace(host, free=75),)).spare == 0
    assert MemoryEstimate(8, (accelerator,)).spare == 0
