"""The self-test of llama.cpp: a model of the demo as a GGUF file, decoded on each device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file

from app.decoding.llama_cpp.library import ComputeDevice, devices
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.decoding.llama_cpp.llama_weights import CPU, LlamaCppWeights
from app.errors import ModelError
from app.resources import resource

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedModel

_TEXT = torch.arange(300, 332)
_PROMPT = 24
"""Tokens that are read at once; the others are read one by one."""
_WORST = 3e-2
"""How far logits may be off, as a share of the largest: GPUs compute in half precision."""


def decode_on_each_device(folder: Path) -> str:
    """Test that llama.cpp decodes on each device that it sees, as transformers does.

    Args:
        folder: Where the model is written as a GGUF file.

    Returns:
        The devices, and how far their logits are from those of transformers.

    Raises:
        ModelError: The logits of a device differ from those of transformers.
        TuneshiftError: A device fails.
    """
    model = _demo_model()
    file = _write_gguf(model, folder / "demo.gguf")
    with torch.inference_mode():
        wanted = model(_TEXT[None], use_cache=False).logits[0, _PROMPT - 1 :]
    used = [device for device in devices() if device.is_gpu or device.in_recipes == CPU]
    return "; ".join(_decode_on(device, file, wanted) for device in used)


def _decode_on(device: ComputeDevice, file: Path, wanted: torch.Tensor) -> str:
    weights = LlamaCppWeights.open([file], device=device.in_recipes)
    try:
        ours = LlamaCppLanguageModel(weights)
        rows = [ours.extend(_TEXT[:_PROMPT]), *map(ours.extend, _TEXT[_PROMPT:].split(1))]
        ours.release()
    finally:
        weights.close()
    difference = float((torch.cat(rows) - wanted).abs().max() / wanted.abs().max())
    if difference > _WORST:
        raise ModelError(
            f"llama.cpp computes other logits on {device.in_recipes} than transformers",
            evidence=f"{device.description}: they are off by {difference:.1e}",
            next_step="Bring the driver of the device up to date, or choose another device.",
        )
    return f"{device.in_recipes} ({device.description}) to {difference:.0e}"


def _demo_model() -> PreTrainedModel:
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = resource("demo", "antiexpert")
    model: PreTrainedModel = LlamaForCausalLM(LlamaConfig.from_pretrained(folder))
    model.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
    model.float().eval()
    return model


def _write_gguf(model: PreTrainedModel, path: Path) -> Path:
    """Write a model of the demo, of the Llama architecture, in float32 and without a vocabulary."""
    import gguf

    config = model.config
    heads, size = config.num_attention_heads, config.head_dim
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("no_vocab")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(size)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, values in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        rows = values.numpy()
        if "q_proj" in name or "k_proj" in name:
            rows = _rotary_pairs(rows, size)
        place = names.get_name(name, try_suffixes=(".weight",))
        assert place is not None, name
        writer.add_tensor(place, rows)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _rotary_pairs(rows: np.ndarray, size: int) -> np.ndarray:
    """The rows of each head of ``size`` rows in the order of llama.cpp: those rotated together are
    neighbours, where transformers has them half a head apart."""
    halves = rows.reshape(-1, 2, size // 2, rows.shape[1])
    return halves.swapaxes(1, 2).reshape(rows.shape)
