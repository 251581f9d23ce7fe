"""Grouped attention against the formula in float64, and against transformers' own in models."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from transformers import AutoModelForCausalLM, FalconConfig, LlamaConfig, PreTrainedModel
from transformers.integrations import sdpa_attention

from app.benchmark.setup import of_recipe
from app.checkpoints.loading.grouped_attention import FEW_TOKENS, attend, group_attention
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.opening import open_recipe
from app.checkpoints.spec import Recipe
from app.decoding.capturing import uncaptured
from app.decoding.graphs import GraphedLanguageModel, why_not_captured
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.step_sizes import SIZES
from app.decoding.types import GenerationConfig
from tests import tiny

GROUPED = "tuneshift_grouped"


def by_the_formula(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scale: float) -> Tensor:
    """softmax(q kᵀ · scale) v, head by head, in float64; [B, k, H, size]."""
    groups = query.shape[1] // key.shape[1]
    heads = []
    for head in range(query.shape[1]):
        scores = query[:, head].double() @ key[:, head // groups].double().mT * scale
        weights = scores.masked_fill(~mask[:, 0], float("-inf")).softmax(-1)
        heads.append(weights @ value[:, head // groups].double())
    return torch.stack(heads, dim=2)


@given(
    batch=st.integers(1, 3),
    key_heads=st.integers(1, 3),
    groups=st.integers(1, 4),
    count=st.integers(1, 2 * FEW_TOKENS["cpu"] + 1),
    before=st.integers(0, 9),
    masked=st.booleans(),
    scaling=st.sampled_from([None, 0.7]),
    seed=st.integers(0, 99),
)
def test_it_is_attention(
    batch: int,
    key_heads: int,
    groups: int,
    count: int,
    before: int,
    masked: bool,
    scaling: float | None,
    seed: int,
) -> None:
    random = torch.Generator().manual_seed(seed)
    length, size = before + count, 8

    def states(heads: int, tokens: int) -> Tensor:
        return torch.randn(batch, heads, tokens, size, generator=random)

    query = states(key_heads * groups, count)
    key, value = states(key_heads, length), states(key_heads, length)
    mask = torch.ones(count, length, dtype=torch.bool).tril(before).repeat(batch, 1, 1, 1)
    if masked:  # as beside a longer text, each text with another number of tokens
        for text in range(min(batch, before)):
            mask[text, :, :, :text] = False
    given_mask: Tensor | None = mask
    if not masked and (count == 1 or before == 0):
        given_mask = None  # as transformers leaves it out
    module: Any = SimpleNamespace(num_key_value_groups=groups, is_causal=True)
    output, weights = attend(module, query, key, value, given_mask, scaling=scaling)
    expected = by_the_formula(query, key, value, mask, scaling or size**-0.5)
    assert weights is None
    assert output.is_contiguous()
    torch.testing.assert_close(output.double(), expected, rtol=1e-4, atol=1e-5)


def grouped_llama() -> PreTrainedModel:
    config = LlamaConfig(
        vocab_size=200,
        hidden_size=48,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=256,
    )
    return tiny.random_model(config, 0)


@pytest.mark.parametrize("block", [1, 2, FEW_TOKENS["cpu"], FEW_TOKENS["cpu"] + 1, 30])
def test_a_model_computes_the_same_and_copies_no_keys(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, grouped = grouped_llama(), grouped_llama()
    group_attention(grouped)
    assert grouped.config._attn_implementation == GROUPED
    tokens = (torch.arange(70) * 37) % 200
    with torch.inference_mode():
        model = TransformersLanguageModel(plain)
        model.extend(tokens[:40])
        expected = model.extend(tokens[40 : 40 + block], block)
        monkeypatch.setattr(sdpa_attention, "repeat_kv", lambda *args: pytest.fail("repeated"))
        model = TransformersLanguageModel(grouped)
        model.extend(tokens[:40])
        found = model.extend(tokens[40 : 40 + block], block)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_steps_that_cuda_captures_copy_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of every size are rows of one head there; only the causal kernel copies nothing."""
    plain, grouped = grouped_llama(), grouped_llama()
    group_attention(grouped)
    monkeypatch.setitem(FEW_TOKENS, "cpu", FEW_TOKENS["cuda"])
    model = GraphedLanguageModel(grouped, capture=uncaptured)
    tokens = (torch.arange(200) * 37) % 200
    assert why_not_captured(grouped) == ""
    with torch.inference_mode():
        expected = plain(input_ids=tokens[None], use_cache=False).logits[0]
        monkeypatch.setattr(sdpa_attention, "repeat_kv", lambda *args: pytest.fail("repeated"))
        model.extend(tokens[:40])
        for size in SIZES:
            found = model.extend(tokens[model.length : model.length + size], size)
            rows = expected[model.length - size : model.length]
            torch.testing.assert_close(found, rows, rtol=1e-4, atol=1e-4)
    assert model.captures.stats.captured == len(SIZES)


def test_texts_of_several_lengths_side_by_side() -> None:
    model = grouped_llama()
    ids = torch.arange(3 * 20).reshape(3, 20) % 200
    mask = torch.ones_like(ids)
    mask[1, :7] = mask[2, :15] = 0
    with torch.inference_mode():
        expected = model(input_ids=ids, attention_mask=mask).logits
        group_attention(model)
        found = model(input_ids=ids, attention_mask=mask).logits
    for text, first in enumerate((0, 7, 15)):
        torch.testing.assert_close(
            found[text, first:], expected[text, first:], rtol=1e-4, atol=1e-4
        )


def test_what_has_other_attention_stays_as_it_is() -> None:
    model = grouped_llama()
    model.config._attn_implementation = "eager"
    group_attention(model)
    assert model.config._attn_implementation == "eager"
    with torch.device("meta"):
        elsewhere = AutoModelForCausalLM.from_config(model.config, attn_implementation="sdpa")
    group_attention(elsewhere)
    assert elsewhere.config._attn_implementation == "sdpa"


def test_a_model_that_asks_for_the_name_of_its_kernel_stays_as_it_is() -> None:
    """Falcon masks otherwise where its attention has another name than torch's."""
    config = FalconConfig(vocab_size=64, hidden_size=32, num_hidden_layers=2, num_attention_heads=4)
    model = tiny.random_model(config, 0)
    group_attention(model)
    assert model.config._attn_implementation == "sdpa"


def test_a_cap_on_scores_is_refused_as_by_transformers() -> None:
    states = torch.zeros(1, 2, 1, 4)
    module: Any = SimpleNamespace(num_key_value_groups=2)
    with pytest.raises(ValueError, match="softcap"):
        attend(module, states, states[:, :1], states[:, :1], None, softcap=30.0)


@pytest.mark.slow
def test_models_of_a_recipe_are_grouped_and_those_they_are_measured_against_are_not(
    tiny_recipe: Recipe,
) -> None:
    loaded = load_recipe(open_recipe(tiny_recipe), ())
    models = [weights.model for weights in loaded.weights.values()]
    assert {model.config._attn_implementation for model in models} == {GROUPED}
    setup = of_recipe(tiny_recipe, "the king", GenerationConfig(max_new_tokens=2))
    assert {model.config._attn_implementation for model in setup.originals} == {"sdpa"}
    assert {m.model.config._attn_implementation for m in setup.language_models} == {GROUPED}
