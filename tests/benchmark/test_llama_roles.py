"""The benchmark of roles that llama.cpp reads: the text of transformers, without its plain loop."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from app.benchmark import hardware, measure
from app.benchmark.benchmark_report import as_json, as_text
from app.benchmark.setup import Setup, of_recipe
from app.benchmark.ways import ALONE, ALONE_HERE, PLAIN, REFERENCE, SPECULATIVE, ways
from app.checkpoints.proof.proof_report import ProofMode
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.decoding.llama_cpp.library import is_installed
from app.decoding.types import GenerationConfig
from tests import tiny, tiny_gguf

pytestmark = [pytest.mark.process, pytest.mark.slow]

GREEDY = GenerationConfig(max_new_tokens=8, temperature=0.0)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not is_installed():
        pytest.skip("llama.cpp is not installed")
    monkeypatch.setattr(hardware, "_BYTES", 1 << 16)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def models() -> list[PreTrainedModel]:
    return [tiny.make_model("llama", seed).float().eval() for seed in (11, 12, 13)]


@pytest.fixture
def recipe(models: list[PreTrainedModel], tmp_path: Path) -> Recipe:
    paths = [
        tiny_gguf.write(model, tmp_path / f"{number}.gguf") for number, model in enumerate(models)
    ]
    base, expert, antiexpert = (CheckpointSpec(f"gguf:{path}", kv_cache="f32") for path in paths)
    return Recipe("r", base, (ExpertPair("A", expert, antiexpert, 0.7),))


def set_up(recipe: Recipe) -> Setup:
    return of_recipe(recipe, "the king said", GREEDY, proof=ProofMode.OFF)


def test_the_text_is_that_of_the_plain_loop_of_transformers(
    recipe: Recipe, models: list[PreTrainedModel], tmp_path: Path
) -> None:
    by_torch = recipe
    for place, model in enumerate(models):
        folder = tiny.save(model, tmp_path / str(place))
        by_torch = by_torch.with_role(place, tiny.spec(folder))
    with torch.inference_mode():
        wanted = {name: way().ids for name, way in ways(set_up(by_torch)).items()}
        found = {name: way().ids for name, way in ways(set_up(recipe)).items()}
    assert found == {
        PLAIN: wanted[REFERENCE],
        SPECULATIVE: wanted[REFERENCE],
        ALONE_HERE: wanted[ALONE],
    }


def test_a_measurement_is_complete(recipe: Recipe) -> None:
    results = measure.measure(set_up(recipe), 1, (20,), (1, 2), (1, 4), 2, prompts=(12,))
    assert [way.name for way in results.ways] == [PLAIN, SPECULATIVE, ALONE_HERE]
    assert results.ways[0].ratio == 1.0
    assert results.device == "cpu"
    costs = (*results.contexts, *results.pairs)
    assert [cost.size for cost in costs] == [20, 1, 2]
    assert all(cost.plain > 0 and cost.reference is None for cost in costs)
    assert all(len(block.seconds) == 3 for block in results.blocks)
    assert results.conversation is not None
    assert results.first_tokens[0].size == 12
    assert f"Ratios are those to “{PLAIN}”" in as_text(results)
    assert f'"name": "{PLAIN}"' in as_json(results)


def test_a_mixed_recipe_is_measured(
    recipe: Recipe, models: list[PreTrainedModel], tmp_path: Path
) -> None:
    folder = tiny.spec(tiny.save(models[1], tmp_path / "expert"))
    results = measure.measure(set_up(recipe.with_role(1, folder)), 1, pairs=(1,))
    assert [way.name for way in results.ways] == [PLAIN, SPECULATIVE, ALONE_HERE]
    assert results.pairs[0].plain > 0


def test_bytes_are_those_of_the_tensors_and_keys(
    recipe: Recipe, models: list[PreTrainedModel]
) -> None:
    config = models[0].config
    assert not config.tie_word_embeddings
    embedding = models[0].get_input_embeddings().weight.nbytes
    weights = sum(p.nbytes for model in models for p in model.parameters()) - 3 * embedding
    width = config.num_key_value_heads * config.hidden_size // config.num_attention_heads
    setup = set_up(recipe)
    assert hardware.bytes_per_token(setup, 0) == weights
    cache = 3 * config.num_hidden_layers * 2 * width * 4
    assert hardware.bytes_per_token(setup, 100) == weights + 100 * cache
