"""Models written as GGUF files and converted back say the same as before: every architecture."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf as library
import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    GemmaConfig,
    GPT2Config,
    LlamaConfig,
    MixtralConfig,
    Phi3Config,
    PretrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen2MoeConfig,
    Qwen3Config,
    Qwen3MoeConfig,
)

from app.checkpoints.formats.gguf_checkpoint import write_checkpoint
from tests import tiny, tiny_gguf

CLOSE = 1e-4
_LENGTH = 400
_HEAD = 16
_SMALL: dict[str, Any] = {
    "vocab_size": tiny.VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "bos_token_id": None,
    "eos_token_id": 0,
    "pad_token_id": None,
    "tie_word_embeddings": False,
}
_GPT2: dict[str, Any] = {
    "vocab_size": tiny.VOCABULARY,
    "n_embd": 64,
    "n_layer": 2,
    "n_head": 4,
    "n_inner": 96,
    "n_positions": 1024,
    "bos_token_id": None,
    "eos_token_id": 0,
}
_YARN = {
    "rope_type": "yarn",
    "rope_theta": 1e4,
    "factor": 4.0,
    "original_max_position_embeddings": 128,
}
_LINEAR = {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0}
_LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 1e4,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
_FACTORS = [1.0, 1.0, 1.5, 2.0, 2.5, 3.0, 7.0, 9.0]
_OWN_FACTORS = {
    "rope_type": "longrope",
    "rope_theta": 1e4,
    "short_factor": _FACTORS,
    "long_factor": _FACTORS,
    "attention_factor": 1.0,
    "original_max_position_embeddings": 1024,
}
_SHORT, _LONG = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5], [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
_LONGROPE = {
    "rope_type": "longrope",
    "rope_theta": 1e4,
    "partial_rotary_factor": 0.75,
    "short_factor": _SHORT,
    "long_factor": _LONG,
}
_GEMMA3_ROPE = {
    "full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
}

_CONFIGURATIONS: dict[str, Callable[[], PretrainedConfig]] = {
    "llama": lambda: LlamaConfig(**_SMALL),
    "llama, one matrix for both": lambda: LlamaConfig(**_SMALL | {"tie_word_embeddings": True}),
    "llama, bias": lambda: LlamaConfig(**_SMALL, attention_bias=True, mlp_bias=True),
    "llama, wide heads": lambda: LlamaConfig(**_SMALL, head_dim=32),
    "llama, base": lambda: LlamaConfig(
        **_SMALL, rope_parameters={"rope_type": "default", "rope_theta": 5e5}
    ),
    "llama, linear": lambda: LlamaConfig(**_SMALL, rope_parameters=_LINEAR),
    "llama, yarn": lambda: LlamaConfig(**_SMALL, rope_parameters=_YARN),
    "llama 3.1": lambda: LlamaConfig(**_SMALL, rope_parameters=_LLAMA3),
    "llama, factors of no formula": lambda: LlamaConfig(**_SMALL, rope_parameters=_OWN_FACTORS),
    "qwen2": lambda: Qwen2Config(**_SMALL),
    "qwen2, yarn": lambda: Qwen2Config(**_SMALL, rope_parameters=_YARN),
    "qwen3": lambda: Qwen3Config(**_SMALL, head_dim=32),
    "qwen3, yarn": lambda: Qwen3Config(**_SMALL, head_dim=32, rope_parameters=_YARN),
    "mixtral": lambda: MixtralConfig(**_SMALL, num_local_experts=4, num_experts_per_tok=2),
    "qwen2moe": lambda: Qwen2MoeConfig(
        **_SMALL,
        num_experts=4,
        num_experts_per_tok=2,
        moe_intermediate_size=48,
        shared_expert_intermediate_size=80,
    ),
    "qwen3moe": lambda: Qwen3MoeConfig(
        **_SMALL,
        head_dim=32,
        num_experts=4,
        num_experts_per_tok=2,
        moe_intermediate_size=48,
        norm_topk_prob=True,
    ),
    "gpt2": lambda: GPT2Config(**_GPT2),
    "gpt2, a matrix of its own": lambda: GPT2Config(**_GPT2 | {"tie_word_embeddings": False}),
    "gemma": lambda: GemmaConfig(**_SMALL | {"tie_word_embeddings": True}, head_dim=32),
    "gemma2": lambda: _gemma2(2, query_pre_attn_scalar=32),
    "gemma2, other caps": lambda: _gemma2(
        2, query_pre_attn_scalar=32, attn_logit_softcapping=5.0, final_logit_softcapping=4.0
    ),
    "gemma2 27B": lambda: _gemma2(46, query_pre_attn_scalar=16),
    "gemma3": lambda: _gemma3(7, query_pre_attn_scalar=32),
    "gemma3, scaled": lambda: _gemma3(7, query_pre_attn_scalar=32, rope_parameters=_GEMMA3_ROPE),
    "gemma3 27B": lambda: _gemma3(62, query_pre_attn_scalar=16),
    "phi3": lambda: Phi3Config(**_SMALL, original_max_position_embeddings=1024),
    "phi3, window": lambda: Phi3Config(
        **_SMALL, original_max_position_embeddings=1024, sliding_window=32
    ),
    "phi3, longrope": lambda: Phi3Config(
        **_SMALL, original_max_position_embeddings=128, rope_parameters=_LONGROPE
    ),
}


def _gemma2(blocks: int, **more: Any) -> Gemma2Config:
    tied = _SMALL | {"tie_word_embeddings": True, "num_hidden_layers": blocks}
    return Gemma2Config(**tied, head_dim=32, sliding_window=32, **more)


def _gemma3(blocks: int, **more: Any) -> Gemma3TextConfig:
    tied = _SMALL | {"tie_word_embeddings": True, "num_hidden_layers": blocks}
    return Gemma3TextConfig(**tied, head_dim=32, sliding_window=32, **more)


def make(name: str) -> PreTrainedModel:
    """A model whose norms and biases are random too, and whose attention looks far back."""
    model = tiny.random_model(_CONFIGURATIONS[name](), 11)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter += torch.randn(parameter.shape, generator=generator) * 0.2
    return model


def tensors_beside(model: PreTrainedModel) -> dict[str, np.ndarray]:
    """The factors of rotary frequencies that the converter writes as tensors."""
    rope = getattr(model.config, "rope_parameters", None) or {}
    if rope.get("rope_type") == "llama3":
        return {"rope_freqs.weight": llama3_factors(rope)}
    if rope.get("rope_type") == "longrope" and model.config.model_type == "llama":
        return {"rope_freqs.weight": np.array(rope["long_factor"], np.float32)}
    if rope.get("rope_type") == "longrope":
        return {
            f"rope_factors_{length}.weight": np.array(rope[f"{length}_factor"], np.float32)
            for length in ("long", "short")
        }
    return {}


def llama3_factors(rope: dict[str, Any]) -> np.ndarray:
    """By what llama.cpp divides each frequency, from its converter."""
    found, length = [], rope["original_max_position_embeddings"]
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    for place in range(0, _HEAD, 2):
        wave = 2 * math.pi * rope["rope_theta"] ** (place / _HEAD)
        if wave < length / high:
            found.append(1.0)
        elif wave > length / low:
            found.append(rope["factor"])
        else:
            smooth = (length / wave - low) / (high - low)
            found.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(found, np.float32)


def attention_factor(writer: library.GGUFWriter) -> None:
    """Phi-3's is that of its paper, which its converter works out."""
    writer.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(1024 / 128) / math.log(128)))


@pytest.mark.slow
@pytest.mark.parametrize("name", _CONFIGURATIONS)
def test_a_converted_model_says_what_the_original_says(name: str, tmp_path: Path) -> None:
    model = make(name)
    facts = [attention_factor] if name == "phi3, longrope" else []
    path = tiny_gguf.write(model, tmp_path / "m.gguf", facts=facts, tensors=tensors_beside(model))
    write_checkpoint(path, tmp_path / "converted", weights=True)
    read = AutoModelForCausalLM.from_pretrained(tmp_path / "converted").eval()
    ids = np.random.default_rng(3).integers(1, tiny.VOCABULARY, _LENGTH).tolist()
    expected = tiny_gguf.logprobs(model, ids)
    torch.testing.assert_close(tiny_gguf.logprobs(read, ids), expected, atol=CLOSE, rtol=0)
    assert expected.std() > 1  # far from uniform, so that what is lost would be seen
