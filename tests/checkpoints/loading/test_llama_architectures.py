"""Recipes with GGUF files of architectures that only llama.cpp reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel

from app.checkpoints.candidates.local_model import ModelReader
from app.checkpoints.formats.gguf import read_header
from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.memory.role_footprint import footprint_of
from app.checkpoints.opening import open_recipe
from app.checkpoints.proof.proof_report import ProofMode
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.checkpoints.vocabulary.compare import compare_vocabularies
from app.decoding.llama_cpp.library import is_installed
from app.errors import CheckpointError
from tests import tiny, tiny_gguf
from tests.decoding.llama_cpp.test_recurrent import CONFIGS

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.skipif(not is_installed(), reason="llama.cpp is not installed"),
]

PROMPT = [3, 17, 5, 42, 8, 8, 23]
ALPHA = 0.7


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def models_of(name: str) -> list[PreTrainedModel]:
    return [tiny.random_model(CONFIGS[name], seed).float().eval() for seed in (1, 2, 3)]


def recipe_of(models: list[PreTrainedModel], folder: Path) -> Recipe:
    base, expert, antiexpert = (
        CheckpointSpec(f"gguf:{tiny_gguf.write(model, folder / f'{place}.gguf')}", kv_cache="f32")
        for place, model in enumerate(models)
    )
    return Recipe("r", base, (ExpertPair("A", expert, antiexpert, ALPHA),))


def load(recipe: Recipe) -> LoadedRecipe:
    opened = open_recipe(recipe)
    masked = compare_vocabularies(opened).masked_ids
    return load_recipe(opened, masked, proof=ProofMode.KEPT)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_recipe_of_recurrent_models_is_proved_and_gives_the_rows_of_plain_passes(
    name: str, tmp_path: Path
) -> None:
    models = models_of(name)
    loaded = load(recipe_of(models, tmp_path))
    assert [role.engine for role in loaded.roles] == ["llama.cpp"] * 3
    assert loaded.ensemble.unrewindable
    tuned = loaded.ensemble.prefill([PROMPT] * 3).combined(0, [ALPHA])
    base, expert, antiexpert = (tiny_gguf.logits(model, PROMPT).double() for model in models)
    usable = torch.isfinite(tuned)
    wanted = (base + ALPHA * (expert - antiexpert))[usable].log_softmax(-1)
    torch.testing.assert_close(tuned[usable].double().log_softmax(-1), wanted, atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", CONFIGS)
def test_transformers_refuses_them_and_names_the_other_engine(name: str, tmp_path: Path) -> None:
    recipe = recipe_of(models_of(name), tmp_path)
    recipe = replace(recipe, base=replace(recipe.base, kv_cache="f16", engine="transformers"))
    with pytest.raises(CheckpointError, match=f"architecture is “{name}”") as caught:
        open_recipe(recipe)
    assert "engine llama.cpp" in caught.value.next_step


def test_only_layers_with_attention_take_memory_for_a_token(tmp_path: Path) -> None:
    config: Any = CONFIGS["lfm2"]
    role = open_recipe(recipe_of(models_of("lfm2"), tmp_path)).roles[0]
    found = footprint_of(role)
    size = config.hidden_size // config.num_attention_heads
    attending = config.layer_types.count("full_attention")
    assert found.cache == attending * config.num_key_value_heads * 2 * size
    assert (found.rows, found.heads) == (config.vocab_size, config.num_attention_heads)
    model = tiny.random_model(config, 1)
    assert found.plain == sum(parameter.numel() for parameter in model.parameters())


def test_they_are_offered_among_the_models_of_this_disk(tmp_path: Path) -> None:
    path = tiny_gguf.write(models_of("mamba")[0], tmp_path / "m.gguf")
    found = ModelReader().read(f"gguf:{path}", "m.gguf", path)
    assert (found.problem, found.architecture) == ("", "mamba")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("mamba.attention.causal", False, "attend to those after them"),
        ("mamba.pooling_type", 1, "one vector"),
        ("mamba.block_count", 1_000_000, "1,000,000 layers"),
        ("tokenizer.ggml.pre", "a-new-one", "“a-new-one”, an unknown pre-tokenizer"),
        ("tokenizer.ggml.model", "rwkv", "tokenizer is of the kind “rwkv”"),
    ],
)
def test_files_that_cannot_be_used_are_refused_by_name(
    tmp_path: Path, key: str, value: Any, said: str
) -> None:
    def told(writer: Any) -> None:
        writer.kv_data[0].pop(key, None)
        add = {bool: writer.add_bool, int: writer.add_uint32, str: writer.add_string}[type(value)]
        add(key, value)

    path = tiny_gguf.write(models_of("mamba")[0], tmp_path / "m.gguf", facts=[told])
    with pytest.raises(CheckpointError, match=said):
        read_header(path, by_llama=True)


def test_an_architecture_that_llama_cpp_does_not_know_is_refused_in_its_words(
    tmp_path: Path,
) -> None:
    recipe = recipe_of(models_of("mamba"), tmp_path)
    path = Path(recipe.base.source.removeprefix("gguf:"))
    path.write_bytes(path.read_bytes().replace(b"mamba", b"mamab"))
    with pytest.raises(CheckpointError, match="unknown model architecture: 'mamab'"):
        load(recipe)
