"""Proofs of recipes that are loaded from files: what is compared, kept, told and refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, MiniMaxConfig, OpenAIGPTConfig, RwkvConfig

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.loading.loader import load_recipe, still_needed
from app.checkpoints.opening import open_recipe
from app.checkpoints.proof import proof_store, proving
from app.checkpoints.proof.proof_report import Proof, ProofMode, Reading, Shortcut
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.checkpoints.status import LoadProgress, proof_warnings
from app.decoding.uncached_model import UncachedLanguageModel, plain_forward
from app.errors import Cancelled, ModelError
from tests import tiny

TEXT = torch.tensor([(11 * place) % tiny.VOCABULARY for place in range(20)])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where proofs are kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tuneshift" / "proofs"


def load(recipe: Recipe, **options: Any) -> LoadedRecipe:
    return load_recipe(open_recipe(recipe), (), **options)


def alone(checkpoint: Path, **options: str) -> Recipe:
    spec = tiny.spec(checkpoint, **options)
    return Recipe("one model", spec, (ExpertPair("none", spec, spec),))


def proofs(loaded: LoadedRecipe) -> list[Proof]:
    return [role.proof for role in loaded.roles if role.proof]


@pytest.mark.slow
def test_every_role_is_proved_when_it_is_loaded(tiny_recipe: Recipe) -> None:
    loaded = load(tiny_recipe)
    assert len(proofs(loaded)) == 3
    for proof in proofs(loaded):
        assert Reading.REWOUND in [found.reading for found in proof.compared]
        assert proof.largest < 1e-3
        assert proof.given_up == ()


@pytest.mark.slow
def test_a_proof_is_kept_and_used_by_the_next_load(tiny_recipe: Recipe, folder: Path) -> None:
    """How long a proof took is part of it, so another one is never the same."""
    first = proofs(load(tiny_recipe))
    assert len(list(folder.glob("*.json"))) == 3
    assert proofs(load(tiny_recipe)) == first
    assert proofs(load(tiny_recipe, proof=ProofMode.FRESH)) != first
    off = proofs(load(tiny_recipe, proof=ProofMode.OFF))
    assert {proof.not_proved for proof in off} == {"switched off"}


@pytest.mark.slow
def test_models_that_stay_in_memory_keep_their_proof(tiny_recipe: Recipe) -> None:
    loaded = load(tiny_recipe)
    held = still_needed(loaded, open_recipe(tiny_recipe))
    assert len(held) == 3
    assert proofs(load(tiny_recipe, held=held)) == proofs(loaded)


@pytest.mark.slow
def test_other_weights_are_proved_again(tmp_path: Path, folder: Path) -> None:
    checkpoint = tiny.save(tiny.make_model("llama", 3), tmp_path / "model")
    (first, *_) = proofs(load(alone(checkpoint)))
    path = checkpoint / "model.safetensors"
    tensors = load_file(path)
    tensors["model.norm.weight"] = tensors["model.norm.weight"] * 1.5
    save_file(tensors, path, metadata={"format": "pt"})
    (second, *_) = proofs(load(alone(checkpoint)))
    assert second != first
    assert len(list(folder.glob("*.json"))) == 2


@pytest.mark.slow
def test_other_versions_dtypes_and_threads_are_proved_again(
    llama: tiny.Family, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = alone(llama.base)
    load(recipe)
    monkeypatch.setattr(proof_store, "__version__", "0.0.0")
    load(recipe)
    load(alone(llama.base, dtype="bfloat16"))
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        load(recipe)
    finally:
        torch.set_num_threads(threads)
    assert len(list(folder.glob("*.json"))) == 4


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "{", "[]", '{"compared": 3}', "[" * 100_000])
def test_a_proof_that_cannot_be_read_is_made_again(
    llama: tiny.Family, folder: Path, text: str
) -> None:
    recipe = alone(llama.base)
    (first, *_) = proofs(load(recipe))
    (path,) = folder.glob("*.json")
    path.write_text(text)
    (second, *_) = proofs(load(recipe))
    assert second != first
    assert proofs(load(recipe))[0] == second


@pytest.mark.slow
def test_that_a_model_is_too_slow_is_kept_until_a_fresh_proof(
    llama: tiny.Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = alone(llama.base)
    with monkeypatch.context() as slow:
        slow.setattr(proving, "TOO_SLOW", -1.0)
        (first, *_) = proofs(load(recipe))
    assert first.not_proved.startswith("one forward pass takes")
    assert proofs(load(recipe))[0] == first
    (fresh, *_) = proofs(load(recipe, proof=ProofMode.FRESH))
    assert fresh.compared
    assert proofs(load(recipe))[0] == fresh


def test_a_folder_that_takes_nothing_is_no_reason_to_refuse(
    llama: tiny.Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (proof, *_) = proofs(load(alone(llama.base)))
    assert proof.compared


@pytest.mark.slow
def test_only_the_newest_proofs_are_kept(
    llama: tiny.Family, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof_store, "_MAX_FILES", 2)
    for dtype in ("float32", "bfloat16", "float16"):
        load(alone(llama.base, dtype=dtype))
    assert len(list(folder.glob("*.json"))) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        OpenAIGPTConfig(vocab_size=tiny.VOCABULARY, n_embd=32, n_layer=2, n_head=2, n_positions=64),
        RwkvConfig(
            vocab_size=tiny.VOCABULARY,
            hidden_size=32,
            num_hidden_layers=2,
            context_length=64,
            bos_token_id=0,
            eos_token_id=0,
        ),
        MiniMaxConfig(
            vocab_size=tiny.VOCABULARY,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=16,
            num_local_experts=4,
            layer_types=["linear_attention", "full_attention"],
            block_size=16,
            max_position_embeddings=512,
            bos_token_id=0,
            eos_token_id=0,
        ),
    ],
    ids=lambda config: config.model_type,
)
def test_what_the_table_of_architectures_does_not_know_is_read_without_a_cache(
    config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oracle: plain forward passes of the checkpoint, opened without the code under test."""
    monkeypatch.setattr("app.decoding.graphs.why_not_cached", lambda model: "")
    checkpoint = tiny.save(tiny.random_model(config, 4), tmp_path / "model")
    loaded = load(alone(checkpoint))
    (role, *_) = loaded.roles
    assert role.proof
    assert role.proof.given_up[-1] is Shortcut.CACHE
    assert proof_warnings([role])[0].startswith("The base is read without a cache")
    (model, *_) = loaded.ensemble.models
    assert isinstance(model, UncachedLanguageModel)
    with torch.inference_mode():
        plain = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()
        expected = plain_forward(plain, TEXT, len(TEXT))
        found = [model.extend(TEXT[:9], 9), *(model.extend(token) for token in TEXT[9:].split(1))]
        torch.testing.assert_close(torch.cat(found), expected, atol=1e-4, rtol=0)
    again = load(alone(checkpoint))
    assert proofs(again)[0] == role.proof
    assert isinstance(again.ensemble.models[0], UncachedLanguageModel)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
def test_the_original_model_is_as_transformers_makes_it(
    architecture: str, families: dict[str, tiny.Family]
) -> None:
    """It shares the tensors, and has neither packed weights nor another attention."""
    checkpoint = families[architecture].base
    loaded = load(alone(checkpoint, dtype="bfloat16"), spare=1 << 34)
    (weights,) = loaded.weights.values()
    plain = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.bfloat16).eval()
    assert weights.original is not None
    with torch.inference_mode():
        found, expected = (plain_forward(model, TEXT, 20) for model in (weights.original, plain))
        torch.testing.assert_close(found, expected, atol=0, rtol=0)
    mine = {tensor.data_ptr() for tensor in weights.model.parameters() if tensor.ndim > 1}
    theirs = {tensor.data_ptr() for tensor in weights.original.parameters() if tensor.ndim > 1}
    assert mine == theirs


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning")
def test_an_adapter_is_proved_with_the_model_that_it_is_over(
    llama: tiny.Family, tmp_path: Path
) -> None:
    """The oracle: PEFT's own merge of the adapter into the model."""
    from peft import LoraConfig, get_peft_model

    base = AutoModelForCausalLM.from_pretrained(llama.antiexpert, dtype=torch.float32)
    adapted = get_peft_model(
        base, LoraConfig(r=4, target_modules=["q_proj", "up_proj"], task_type="CAUSAL_LM")
    )
    torch.manual_seed(9)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.normal_(0, 0.3)
    adapted.save_pretrained(tmp_path / "adapter")
    antiexpert = tiny.spec(llama.antiexpert)
    expert = CheckpointSpec(
        f"adapter:{tmp_path / 'adapter'}", over=antiexpert.source, dtype="float32"
    )
    recipe = Recipe("LoRA", antiexpert, (ExpertPair("Style", expert, antiexpert),))
    loaded = load(recipe)
    with_adapter = next(each for key, each in loaded.weights.items() if key.adapter)
    assert with_adapter.original is not None
    with torch.inference_mode():
        merged = adapted.merge_and_unload().eval()
        found = plain_forward(with_adapter.original, TEXT, 20)
        torch.testing.assert_close(found, plain_forward(merged, TEXT, 20), atol=1e-4, rtol=0)
    plain, adapter, _ = loaded.roles
    assert plain.proof
    assert adapter.proof
    assert plain.proof != adapter.proof
    assert adapter.proof.largest < 1e-3


@pytest.mark.slow
def test_a_checkpoint_without_numbers_is_not_loaded(tmp_path: Path, tiny_recipe: Recipe) -> None:
    model = tiny.make_model("llama", 3)
    with torch.no_grad():
        model.model.layers[1].mlp.down_proj.weight[0, 0] = torch.inf
    checkpoint = tiny.save(model, tmp_path / "model")
    held = dict(load(tiny_recipe).weights)
    with pytest.raises(ModelError, match="The base computed logits that are not numbers"):
        load(replace(tiny_recipe, base=tiny.spec(checkpoint)), held=held)
    assert held == {}
    load(replace(tiny_recipe, base=tiny.spec(checkpoint)), proof=ProofMode.OFF)


@pytest.mark.slow
def test_a_proof_is_told_as_it_goes_and_can_be_cancelled(tiny_recipe: Recipe) -> None:
    told: list[LoadProgress] = []
    load(tiny_recipe, on_progress=told.append)
    proving = [progress for progress in told if progress.proving]
    assert {progress.role for progress in proving} == {name for name, _ in tiny_recipe.roles()}
    assert [(each.done, each.total) for each in proving[:2]] == [(0, 6), (1, 6)]
    told.clear()
    with pytest.raises(Cancelled):
        load(
            tiny_recipe,
            on_progress=told.append,
            cancelled=lambda: bool(told and told[-1].proving),
            proof=ProofMode.FRESH,
        )


@pytest.mark.slow
def test_proofs_go_into_json_and_back(tiny_recipe: Recipe, folder: Path) -> None:
    (proof, *_) = proofs(load(tiny_recipe))
    kept = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    assert proof.seconds in [table["seconds"] for table in kept]


def test_a_model_with_a_very_short_context_is_not_proved(tiny_recipe: Recipe) -> None:
    found = proofs(load(replace(tiny_recipe, context=8)))
    assert {proof.not_proved for proof in found} == {"its context holds 8 tokens"}
