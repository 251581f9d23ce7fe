"""Sizes from a configuration, against models that are really there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    DeepseekV3Config,
    DynamicCache,
    FalconConfig,
    Gemma3TextConfig,
    GPTBigCodeConfig,
    PretrainedConfig,
    Qwen3NextConfig,
    T5Config,
)

from app.checkpoints.memory.measured_footprint import measure_footprint
from tests import tiny
from tests.architectures.tiny_configurations import tiny_configuration

_QUANTIZED = {
    "none": None,
    "int8": BitsAndBytesConfig(load_in_8bit=True),
    "nf4": BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4"),
}


def _bytes_held(model: torch.nn.Module) -> int:
    """Every tensor that lives in a model once, the scales of quantised layers among them."""
    found: dict[int, torch.Tensor] = {}
    for module in model.modules():
        for tensor in (*module._parameters.values(), *module._buffers.values()):
            if tensor is not None:
                found[id(tensor)] = tensor
                scales: list[Any] = [getattr(tensor, "SCB", None)]
                state = getattr(tensor, "quant_state", None)
                scales.append(getattr(state, "absmax", None))
                found |= {id(scale): scale for scale in scales if scale is not None}
    return sum(tensor.nbytes for tensor in found.values())


@pytest.mark.parametrize("quantization", _QUANTIZED)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_weights_are_what_a_loaded_model_holds(
    families: dict[str, tiny.Family], architecture: str, dtype: str, quantization: str
) -> None:
    folder = families[architecture].expert
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=getattr(torch, dtype),
        device_map={"": "cpu"},
        quantization_config=_QUANTIZED[quantization],
    )
    footprint = measure_footprint(AutoConfig.from_pretrained(folder))
    held = _bytes_held(model)
    assert footprint.weight_bytes(dtype, quantization) == pytest.approx(held, abs=8)  # a scale


def _small(kind: type[PretrainedConfig], **settings: object) -> PretrainedConfig:
    sizes = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4}
    return kind(**sizes, pad_token_id=0, bos_token_id=0, eos_token_id=0, **settings)


_CONFIGS = {
    "keys repeated for all heads": lambda: tiny_configuration("falcon, as 40B", 64),
    "keys of an indexer": lambda: tiny_configuration("deepseek_v32", 64),
    "feed-forward layers of their own widths": lambda: tiny_configuration("gemma3n_text", 64),
    "heads of other widths in some layers": lambda: tiny_configuration("gemma4_text", 64),
    "several query heads over one": lambda: tiny.ARCHITECTURES["qwen2"](64),
    "head wider than its share": lambda: tiny.ARCHITECTURES["gemma2"](64),
    "as many heads everywhere": lambda: tiny.ARCHITECTURES["gpt2"](64),
    "multi-query": lambda: _small(FalconConfig, multi_query=True),
    "multi-query of code models": lambda: _small(GPTBigCodeConfig, multi_query=True),
    "mostly sliding windows": lambda: _small(
        Gemma3TextConfig, num_key_value_heads=2, head_dim=16, sliding_window=8
    ),
    "latent attention": lambda: _small(
        DeepseekV3Config,
        kv_lora_rank=16,
        q_lora_rank=16,
        qk_rope_head_dim=8,
        qk_nope_head_dim=8,
        v_head_dim=12,
        n_routed_experts=4,
        num_experts_per_tok=2,
        n_group=1,
        topk_group=1,
        moe_intermediate_size=16,
        intermediate_size=32,
    ),
    "layers with a state beside attention": lambda: _small(
        Qwen3NextConfig,
        num_key_value_heads=2,
        head_dim=16,
        linear_num_key_heads=2,
        linear_num_value_heads=2,
        linear_key_head_dim=8,
        linear_value_head_dim=8,
        num_experts=4,
        num_experts_per_tok=2,
        moe_intermediate_size=16,
        shared_expert_intermediate_size=16,
    ),
}


@pytest.mark.parametrize("name", _CONFIGS)
def test_the_cache_is_what_reading_tokens_leaves(name: str) -> None:
    config = _CONFIGS[name]()
    model = AutoModelForCausalLM.from_config(config).eval()
    cache = DynamicCache(config=model.config)
    cache.activate_past_recording()
    tokens = 24
    with torch.inference_mode():
        for chunk in torch.arange(tokens)[None].split(8, dim=1):
            model(input_ids=chunk, past_key_values=cache, use_cache=True)
    held = [
        tensor.nbytes
        for layer in cache.layers
        for name in ("keys", "values", "indexer_keys")
        if isinstance(tensor := getattr(layer, name, None), torch.Tensor)
    ]
    assert measure_footprint(config).cache_bytes(tokens, "float32") == sum(held)


def test_quantising_helps_only_the_matrices_between_input_and_output() -> None:
    config = tiny.ARCHITECTURES["llama"](64)
    footprint = measure_footprint(config)
    whole, small = (footprint.weight_bytes("float32", each) for each in ("none", "nf4"))
    attention, feed_forward = 4 * 32 * 32, 3 * 32 * 48
    linear = config.num_hidden_layers * (attention + feed_forward)
    assert whole - small == linear * 4 - linear // 2 - linear // 64 * 4


def test_work_grows_with_the_context_and_stays_below_a_whole_attention_map() -> None:
    footprint = measure_footprint(tiny.ARCHITECTURES["qwen2"](64))
    short, long = (footprint.work_bytes(context, "bfloat16") for context in (64, 4096))
    assert short < long < 4096 * 4096 * 2


def test_a_model_that_does_not_continue_text_is_refused() -> None:
    with pytest.raises(ValueError, match="T5Config"):
        measure_footprint(T5Config())


def test_nothing_is_read_from_the_disk(tmp_path: Path) -> None:
    config = tiny.ARCHITECTURES["llama"](64)
    config.name_or_path = str(tmp_path / "nowhere")
    assert measure_footprint(config).rows == 64
