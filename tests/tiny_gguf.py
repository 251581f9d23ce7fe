"""Tiny GGUF files, written with the gguf library as llama.cpp's converter writes them.

Names of tensors come from the library's tables; what the converter does to the numbers is done here
once more, so that a test of what the program undoes compares two independent pieces of work.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from tests import tiny

CHAT_TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
F32 = gguf.GGMLQuantizationType.F32

_NAMES = {
    "llama": "llama",
    "mistral": "llama",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "gemma": "gemma",
    "gemma2": "gemma2",
    "gemma3_text": "gemma3",
    "phi": "phi2",
    "phi3": "phi3",
    "mixtral": "llama",
    "qwen2_moe": "qwen2moe",
    "qwen3_moe": "qwen3moe",
    "gpt2": "gpt2",
    "mamba": "mamba",
    "lfm2": "lfm2",
}
_SCALINGS = {"linear": gguf.RopeScalingType.LINEAR, "yarn": gguf.RopeScalingType.YARN}

Facts = Callable[[gguf.GGUFWriter], None]


def write(
    model: PreTrainedModel,
    path: Path,
    kind: gguf.GGMLQuantizationType = F32,
    *,
    facts: Sequence[Facts] = (),
    tensors: Mapping[str, np.ndarray] | None = None,
    leave_out: Sequence[str] = (),
    tokenizer: Facts | None = None,
    part: int = 0,
) -> Path:
    """Write ``model``; what cannot be packed as ``kind`` stays float32.

    Args:
        model: Any of the architectures above.
        path: The file.
        kind: How matrices are packed.
        facts: What else is told to the writer.
        tensors: Beside those of the model.
        leave_out: Tensors of the model that the file lacks, by their names in the file.
        tokenizer: Writes the vocabulary, instead of that of ``tests.tiny``.
        part: The most tensors of each part of a split file, or 0 for a whole one. The parts are
            named ``-00001-of-0000N``, and the first is returned.
    """
    writer = gguf.GGUFWriter(path, _NAMES[model.config.model_type], split_max_tensors=part)
    _write_settings(writer, model)
    (tokenizer or write_tokenizer)(writer)
    for fact in facts:
        fact(writer)
    for name, values in converted(model).items():
        if name in leave_out:
            continue
        if values.ndim == 1 or values.shape[-1] % gguf.GGML_QUANT_SIZES[kind][0]:
            writer.add_tensor(name, values)
        else:
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
    for name, values in (tensors or {}).items():
        writer.add_tensor(name, values)
    finish(writer)
    return path if path.exists() else min(path.parent.glob(f"{path.stem}-00001-of-*.gguf"))


def write_adapter(
    path: Path,
    model: PreTrainedModel,
    seed: int,
    rank: int = 4,
    *,
    kind: str = "lora",
    facts: Sequence[Facts] = (),
) -> list[np.ndarray]:
    """Write a LoRA adapter of the output projections; its changes of the weights at scale 1."""
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, _NAMES[model.config.model_type])
    writer.add_type("adapter")
    writer.add_string("adapter.type", kind)
    writer.add_float32("adapter.lora.alpha", 2.0 * rank)
    for fact in facts:
        fact(writer)
    size = model.config.hidden_size
    changes = []
    for block in range(model.config.num_hidden_layers):
        down = random.normal(0, 0.2, (rank, size)).astype(np.float32)
        up = random.normal(0, 0.2, (size, rank)).astype(np.float32)
        writer.add_tensor(f"blk.{block}.attn_output.weight.lora_a", down)
        writer.add_tensor(f"blk.{block}.attn_output.weight.lora_b", up)
        changes.append(2.0 * up @ down)
    finish(writer)
    return changes


def finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def converted(model: PreTrainedModel) -> dict[str, np.ndarray]:
    """The tensors of ``model`` as the converter of llama.cpp names and changes them."""
    config = model.config
    name = _NAMES[config.model_type]
    architecture = {value: key for key, value in gguf.MODEL_ARCH_NAMES.items()}[name]
    names = gguf.get_tensor_name_map(architecture, config.num_hidden_layers)
    found = {}
    for ours, tensor in model.state_dict().items():
        if ours == "lm_head.weight" and config.tie_word_embeddings:
            continue
        values = tensor.float().numpy()
        if ".experts." in ours:
            found |= _experts(ours, values)
            continue
        place = names.get_name(ours, try_suffixes=(".weight", ".bias"))
        assert place is not None, ours
        if name == "llama" and "q_proj" in ours:
            values = _interleave(values, config.num_attention_heads)
        if name == "llama" and "k_proj" in ours:
            values = _interleave(values, config.num_key_value_heads)
        if name == "gpt2" and values.ndim == 2 and ".h." in ours:
            values = np.ascontiguousarray(values.T)
        if ours.endswith(".A_log"):
            values = -np.exp(values)
        if ours.endswith((".conv1d.weight", ".conv.conv.weight")):
            values = values[:, 0]
        if name.startswith("gemma") and ours.endswith("norm.weight"):
            values = values + 1
        found[place] = values
    return found


def _experts(ours: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """All experts of a block in one tensor for each of their three matrices."""
    block = ours.split(".")[2]
    if ours.endswith("down_proj"):
        return {f"blk.{block}.ffn_down_exps.weight": values}
    gate, up = np.split(values, 2, axis=1)
    return {
        f"blk.{block}.ffn_gate_exps.weight": np.ascontiguousarray(gate),
        f"blk.{block}.ffn_up_exps.weight": np.ascontiguousarray(up),
    }


def _interleave(values: np.ndarray, heads: int) -> np.ndarray:
    """Rotary halves beside each other, as llama.cpp wants queries and keys."""
    rows = values.shape[0]
    halves = values.reshape(heads, 2, rows // heads // 2, *values.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(values.shape))


def _write_settings(writer: gguf.GGUFWriter, model: PreTrainedModel) -> None:
    config: Any = model.config
    if config.model_type == "mamba":
        _write_mamba(writer, config)
        return
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_name("tiny")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(getattr(config, "intermediate_size", None) or config.n_inner)
    writer.add_head_count(config.num_attention_heads)
    if config.model_type == "gpt2":
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
        return
    writer.add_head_count_kv(_key_value_heads(config))
    if config.model_type == "phi":
        writer.add_layer_norm_eps(config.layer_norm_eps)
    elif config.model_type == "lfm2":
        writer.add_layer_norm_rms_eps(config.norm_eps)
        writer.add_shortconv_l_cache(config.conv_L_cache)
        writer.add_vocab_size(config.vocab_size)
    else:
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    if size * config.num_attention_heads != config.hidden_size or "gemma" in config.model_type:
        writer.add_key_length(size)
        writer.add_value_length(size)
    if config.model_type in ("llama", "mistral", "mixtral"):
        writer.add_rope_dimension_count(size)
        writer.add_vocab_size(config.vocab_size)
    if config.model_type in ("gemma2", "gemma3_text", "phi3"):
        writer.add_sliding_window(config.sliding_window or 0)
    if "moe" in config.model_type or config.model_type == "mixtral":
        _write_experts(writer, config)
    if config.model_type == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    _write_rope(writer, config, size)


def _key_value_heads(config: Any) -> int | list[int]:
    """For all layers, or for each where only some have attention."""
    heads: int = config.num_key_value_heads
    if config.model_type != "lfm2":
        return heads
    return [0 if kind == "conv" else heads for kind in config.layer_types]


def _write_mamba(writer: gguf.GGUFWriter, config: Any) -> None:
    writer.add_context_length(tiny.CONTEXT)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_ssm_conv_kernel(config.conv_kernel)
    writer.add_ssm_inner_size(config.intermediate_size)
    writer.add_ssm_state_size(config.state_size)
    writer.add_ssm_time_step_rank(config.time_step_rank)
    writer.add_layer_norm_rms_eps(config.layer_norm_epsilon)
    writer.add_ssm_dt_b_c_rms(False)


def _write_experts(writer: gguf.GGUFWriter, config: Any) -> None:
    writer.add_expert_count(getattr(config, "num_experts", None) or config.num_local_experts)
    writer.add_expert_used_count(config.num_experts_per_tok)
    if "moe" in config.model_type:
        writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    if config.model_type == "qwen2_moe":
        writer.add_expert_shared_feed_forward_length(config.shared_expert_intermediate_size)


def _write_rope(writer: gguf.GGUFWriter, config: Any, size: int) -> None:
    rope = config.rope_parameters
    rope = rope.get("full_attention", rope)
    writer.add_rope_freq_base(rope["rope_theta"])
    if config.model_type in ("phi", "phi3"):
        writer.add_rope_dimension_count(int(size * rope["partial_rotary_factor"]))
    if config.model_type == "phi3":
        writer.add_rope_scaling_orig_ctx_len(config.original_max_position_embeddings)
    if rope["rope_type"] in _SCALINGS:
        writer.add_rope_scaling_type(_SCALINGS[rope["rope_type"]])
        writer.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "yarn":
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])


def write_tokenizer(writer: gguf.GGUFWriter) -> None:
    """The vocabulary of ``tests.tiny``."""
    write_byte_level(writer, tiny.make_tokenizer(), (tiny.EOS,))
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_chat_template(CHAT_TEMPLATE)


def write_byte_level(
    writer: gguf.GGUFWriter, tokenizer: Tokenizer, special: Sequence[str], pre: str = "gpt-2"
) -> None:
    """The tokens and merges of a byte-level tokenizer."""
    table = json.loads(tokenizer.to_str())["model"]
    vocabulary = tokenizer.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    kinds = [gguf.TokenType.CONTROL if t in special else gguf.TokenType.NORMAL for t in tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(merge) for merge in table["merges"]])


def logits(model: PreTrainedModel, ids: list[int]) -> torch.Tensor:
    """What ``model`` says after ``ids``."""
    with torch.no_grad():
        last: torch.Tensor = model(torch.tensor([ids])).logits[0, -1].float()
    return last


def logprobs(model: PreTrainedModel, ids: list[int]) -> torch.Tensor:
    """Log-probabilities after each of ``ids``, by one plain forward pass."""
    with torch.no_grad():
        rows: torch.Tensor = model(torch.tensor([ids]), use_cache=False).logits[0].float()
    return rows.log_softmax(-1)
