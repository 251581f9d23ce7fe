"""A divided output layer against the same matrix product in float64."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from app.checkpoints.loading.divided_head import (
    FEW_ROWS,
    LEAST_OUTPUTS,
    PART,
    DividedLinear,
    divide_head,
    is_divided,
)
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.loading.lora import twin
from app.checkpoints.loading.weights import TransformersWeights
from app.checkpoints.opening import open_recipe
from app.decoding.language_model import TransformersLanguageModel
from tests import tiny

ROWS = LEAST_OUTPUTS + PART + 7
"""No multiple of a part."""

pytestmark = pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="torch without MKL")


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("count", [1, FEW_ROWS.start, 8, FEW_ROWS.stop - 1, FEW_ROWS.stop])
def test_the_products_are_those_of_the_whole_layer(count: int, bias: bool) -> None:
    torch.manual_seed(count)
    linear = nn.Linear(24, ROWS, bias=bias)
    values = torch.randn(1, count, 24)
    expected = values.double() @ linear.weight.double().T
    if bias:
        expected += linear.bias.double()
    found = DividedLinear(linear)(values)
    assert found.dtype is torch.float32
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_a_model_with_a_divided_head_has_the_same_logits(architecture: str) -> None:
    plain = tiny.make_model(architecture, 1, ROWS)
    divided = twin(plain)
    divide_head(divided)
    assert is_divided(divided)
    assert not is_divided(plain)
    shared = divided.get_output_embeddings().weight
    assert shared.data_ptr() == plain.get_output_embeddings().weight.data_ptr()
    tokens = torch.arange(8)
    found = TransformersLanguageModel(divided).extend(tokens, 8)
    expected = plain(input_ids=tokens[None], use_cache=False).logits[0]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_other_layers_are_left_as_they_are() -> None:
    small = tiny.make_model("llama", 1)
    half = tiny.make_model("llama", 1, ROWS).to(torch.bfloat16)
    for model in (small, half):
        divide_head(model)
        assert type(model.get_output_embeddings()) is nn.Linear


@pytest.mark.slow
def test_a_recipe_in_float32_is_loaded_with_it_and_keeps_the_original(tmp_path: Path) -> None:
    folder = tiny.save(tiny.make_model("llama", 1, ROWS), tmp_path / "base")
    loaded = load_recipe(open_recipe(tiny.Family(folder, folder, folder).recipe()), ())
    (weights,) = loaded.weights.values()
    assert isinstance(weights, TransformersWeights)
    assert weights.original is not None
    assert is_divided(weights.model)
    assert type(weights.original.get_output_embeddings()) is nn.Linear
