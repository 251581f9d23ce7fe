"""Quantized checkpoints: what a check accepts is loaded, and what is not says what it needs."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.opening import open_recipe
from app.checkpoints.preflight import preflight
from app.checkpoints.spec import Recipe
from app.errors import CheckpointError
from tests import tiny

NEEDS = {
    "aqlm": {"in_group_size": 8, "out_group_size": 1, "num_codebooks": 1},
    "auto-round": {"bits": 4, "group_size": 32},
    "awq": {"bits": 4, "group_size": 32, "zero_point": True, "version": "gemm"},
    "compressed-tensors": {"format": "naive-quantized", "config_groups": {}},
    "eetq": {"weights": "int8"},
    "gptq": {"bits": 4, "group_size": 32, "desc_act": False},
    "hqq": {"quant_config": {"weight_quant_params": {"nbits": 4, "group_size": 64}}},
    "quanto": {"weights": "int8"},
    "torchao": {"quant_type": "int4_weight_only"},
    "vptq": {},
}


@pytest.fixture
def stored(llama: tiny.Family, tmp_path: Path) -> Path:
    return Path(shutil.copytree(llama.base, tmp_path / "stored"))


def quantized(folder: Path, recipe: Recipe, settings: object) -> Recipe:
    """The recipe with a base whose configuration says that it is quantized in this way."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"quantization_config": settings}))
    return replace(recipe, base=tiny.spec(folder))


def refusal(recipe: Recipe) -> str:
    """What a check says, which is what a load says."""
    said = []
    for weights in (False, True):
        with pytest.raises(CheckpointError) as caught:
            preflight(open_recipe(recipe, weights_required=weights))
        said.append(str(caught.value))
    assert said[0] == said[1]
    return said[0]


@pytest.mark.parametrize("method", NEEDS)
def test_a_library_that_is_missing_is_named_with_its_command(
    stored: Path, tiny_recipe: Recipe, method: str
) -> None:
    recipe = quantized(stored, tiny_recipe, NEEDS[method] | {"quant_method": method})
    said = refusal(recipe)
    assert f"is quantized in a way that cannot be loaded here ({method}: " in said
    assert "Install what it needs: pip install " in said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "transformers cannot read.*modelopt"),
        ({"quant_method": "exl2"}, "transformers cannot read.*exl2"),
        ({"bits": 4}, "no `quant_method`"),
        ([1], "cannot be loaded"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "not quantized as its config"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "not quantized as its config"),
    ],
)
def test_what_cannot_be_read_at_all_is_refused(
    stored: Path, tiny_recipe: Recipe, settings: object, said: str
) -> None:
    with pytest.raises(CheckpointError, match=said):
        open_recipe(quantized(stored, tiny_recipe, settings), weights_required=False)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fp8", "mxfp4"])
def test_what_transformers_turns_back_without_a_gpu_is_counted_as_it_becomes(
    stored: Path, tiny_recipe: Recipe, method: str
) -> None:
    recipe = quantized(stored, tiny_recipe, {"quant_method": method})
    found, plain = preflight(open_recipe(recipe)), preflight(open_recipe(tiny_recipe))
    assert found.memory.devices[0].needed == plain.memory.devices[0].needed
    load_recipe(open_recipe(recipe), ())


def test_quantizing_what_is_quantized_is_refused_by_a_check(
    stored: Path, tiny_recipe: Recipe
) -> None:
    recipe = quantized(stored, tiny_recipe, {"quant_method": "fp8"})
    recipe = replace(recipe, base=replace(recipe.base, quantization="nf4"))
    assert "is quantized already (it is stored in fp8)" in refusal(recipe)
