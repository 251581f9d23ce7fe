"""Rows of llama.cpp against plain forward passes of transformers over the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import (
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    MixtralConfig,
    Phi3Config,
    PhiConfig,
    PretrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen2MoeConfig,
    Qwen3Config,
    Qwen3MoeConfig,
)

from app.decoding.llama_cpp.llama_context import ContextOptions, KvType, LlamaContext
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.errors import ContextLengthError
from tests import tiny
from tests.decoding.llama_cpp.conftest import Opened

_SIZES = {
    "vocab_size": tiny.VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": tiny.CONTEXT,
    "eos_token_id": 0,
    "bos_token_id": None,
    "pad_token_id": None,
}
_EXPERTS = {"num_experts_per_tok": 2, "moe_intermediate_size": 24}
CONFIGS: dict[str, PretrainedConfig] = {
    "llama": LlamaConfig(**_SIZES),
    "qwen2": Qwen2Config(**_SIZES),
    "gpt2": GPT2Config(
        vocab_size=tiny.VOCABULARY, n_embd=32, n_layer=2, n_head=2, n_positions=512, n_inner=48
    ),
    # llama.cpp scales queries by the size of a head, as the published models do.
    "gemma2": Gemma2Config(head_dim=16, sliding_window=8, query_pre_attn_scalar=16, **_SIZES),
    "qwen3": Qwen3Config(head_dim=16, **_SIZES),
    "gemma3": Gemma3TextConfig(
        head_dim=16,
        sliding_window=8,
        query_pre_attn_scalar=16,
        **{**_SIZES, "num_hidden_layers": 6},  # five with a window, one without
    ),
    "phi": PhiConfig(partial_rotary_factor=0.5, **{**_SIZES, "num_key_value_heads": 2}),
    "phi3": Phi3Config(**_SIZES),
    "mistral": MistralConfig(head_dim=16, sliding_window=None, **_SIZES),
    "mixtral": MixtralConfig(num_local_experts=4, num_experts_per_tok=2, **_SIZES),
    "qwen2_moe": Qwen2MoeConfig(
        num_experts=4, shared_expert_intermediate_size=48, **_EXPERTS, **_SIZES
    ),
    "qwen3_moe": Qwen3MoeConfig(num_experts=4, head_dim=16, **_EXPERTS, **_SIZES),
}
EXACT = ContextOptions(KvType.F32)
_TEXT = torch.tensor([17, 3, 240, 99, 5, 61, 7, 301, 12, 88, 45, 150, 2, 33, 270, 19, 4, 77, 8, 64])


def plain(model: PreTrainedModel, text: torch.Tensor) -> torch.Tensor:
    """Rows of one plain forward pass, [n, V]."""
    with torch.inference_mode():
        rows: torch.Tensor = model(text[None], use_cache=False).logits[0].float()
    return rows


def assert_near(rows: torch.Tensor, wanted: torch.Tensor, relative: float = 1e-3) -> None:
    worst = float((rows - wanted).abs().max() / wanted.abs().max())
    assert worst <= relative


@pytest.mark.parametrize("name", CONFIGS)
def test_rows_are_those_of_transformers(name: str, opened: Opened) -> None:
    model = tiny.random_model(CONFIGS[name], seed=1)
    ours = LlamaCppLanguageModel(opened(model), options=EXACT)
    assert ours.vocabulary_size == tiny.VOCABULARY
    assert ours.context_length == tiny.CONTEXT
    wanted = plain(model, _TEXT)
    assert_near(ours.extend(_TEXT, len(_TEXT)), wanted)
    ours.rewind(6)
    assert_near(ours.extend(_TEXT[6:7]), wanted[6:7])
    assert_near(ours.extend(_TEXT[7:], 5), wanted[-5:])


@pytest.mark.parametrize("name", CONFIGS)
def test_rounded_keys_and_values_change_little(name: str, opened: Opened) -> None:
    model = tiny.random_model(CONFIGS[name], seed=1)
    ours = LlamaCppLanguageModel(opened(model))  # as by default: half precision, flash attention
    assert_near(ours.extend(_TEXT, len(_TEXT)), plain(model, _TEXT), relative=1e-2)


def test_keys_and_values_may_be_kept_in_eight_bits(opened: Opened) -> None:
    model = tiny.random_model(tiny.wide_llama(), seed=1)  # heads of 32 numbers, a block of 8 bits
    ours = LlamaCppLanguageModel(opened(model), options=ContextOptions(KvType.Q8_0))
    assert_near(ours.extend(_TEXT, len(_TEXT)), plain(model, _TEXT), relative=0.1)


def test_a_context_that_is_full_says_so(opened: Opened) -> None:
    weights = opened(tiny.random_model(CONFIGS["llama"], seed=1))
    context = LlamaContext(weights, 256, EXACT)
    ids = np.arange(context.capacity, dtype=np.int32)
    outputs = ids == ids[-1]
    context.read(ids, ids, outputs)
    with pytest.raises(ContextLengthError, match=r"The KV cache of llama\.cpp is full"):
        context.read(ids[:1], ids[-1:] + 1, outputs[-1:])
    assert context.shorten(10)
    again = context.read(ids[10:20], ids[10:20], np.arange(10) == 9)
    fresh = LlamaContext(weights, 256, EXACT).read(ids[:20], ids[:20], np.arange(20) == 19)
    assert_near(again, fresh)
