"""A divided output layer against the same matrix product in float64."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModelForCausalLM, RwkvConfig

from app.checkpoints.loading.divided_head import (
    FEW_ROWS,
    LEAST_OUTPUTS,
    PART,
    DividedLinear,
    divide_head,
    is_divided,
)
from app.checkpoints.loading.grouped_attention import is_grouped
from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.loading.lora import twin
from app.checkpoints.loading.shortcuts import shortcuts_of, without
from app.checkpoints.loading.weights import TransformersWeights
from app.checkpoints.opening import open_recipe
from app.checkpoints.proof.proof_report import Shortcut
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.uncached_model import plain_forward
from tests import tiny

ROWS = LEAST_OUTPUTS + PART + 7
"""No multiple of a part."""

pytestmark = pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="torch without MKL")


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def load(folder: Path) -> tuple[LoadedRecipe, TransformersWeights]:
    """A recipe in which one checkpoint has every role, and its weights."""
    loaded = load_recipe(open_recipe(tiny.Family(folder, folder, folder).recipe()), ())
    (weights,) = loaded.weights.values()
    assert isinstance(weights, TransformersWeights)
    return loaded, weights


def check_logits(loaded: LoadedRecipe, folder: Path) -> None:
    """Compare the loaded base with plain forward passes of the checkpoint, opened on its own."""
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokens = torch.arange(1, 9)
    model = loaded.ensemble.models[0]
    model.rewind(0)
    expected = plain_forward(plain, tokens, len(tokens))
    torch.testing.assert_close(model.extend(tokens, len(tokens)), expected, atol=1e-4, rtol=1e-4)


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
    loaded, weights = load(folder)
    assert weights.original is not None
    assert is_divided(weights.model)
    assert type(weights.original.get_output_embeddings()) is nn.Linear
    check_logits(loaded, folder)


@pytest.mark.slow
def test_it_is_given_up_if_it_alone_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(layer: DividedLinear, values: Tensor) -> Tensor:
        return functional.linear(values, layer.weight) * 1.5

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # of the proof
    monkeypatch.setattr(DividedLinear, "forward", wrong)
    folder = tiny.save(tiny.make_model("llama", 1, ROWS), tmp_path / "base")
    loaded, weights = load(folder)
    proof = loaded.roles[0].proof
    assert proof is not None
    assert proof.given_up == (Shortcut.DIVIDED_HEAD,)
    assert not is_divided(weights.model)
    assert is_grouped(weights.model)
    check_logits(loaded, folder)


@pytest.mark.slow
def test_it_stays_where_another_shortcut_is_given_up(tmp_path: Path) -> None:
    loaded, weights = load(tiny.save(tiny.make_model("llama", 1, ROWS), tmp_path / "base"))
    model = loaded.ensemble.models[0]
    assert isinstance(model, TransformersLanguageModel)
    assert Shortcut.DIVIDED_HEAD in shortcuts_of(weights, model)
    for shortcut in (Shortcut.GROUPED_ATTENTION, Shortcut.PACKING):
        assert is_divided(without(weights, {shortcut}).model)
        assert not is_divided(without(weights, {shortcut, Shortcut.DIVIDED_HEAD}).model)


@pytest.mark.slow
def test_a_model_that_divides_its_own_weights_does_so_once(tmp_path: Path) -> None:
    """RWKV divides weights of its seventh layer in place at the first forward pass."""
    config = RwkvConfig(
        vocab_size=ROWS,
        hidden_size=16,
        num_hidden_layers=7,
        context_length=64,
        bos_token_id=0,
        eos_token_id=0,
    )
    folder = tiny.save(tiny.random_model(config, 4), tmp_path / "rwkv")
    loaded, weights = load(folder)
    assert weights.model is weights.original
    check_logits(loaded, folder)
