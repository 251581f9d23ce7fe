"""The supported architectures of GGUF files, with their keys and tensors in transformers.

A file is refused if it has a key of its architecture that is not read here, or a tensor that is not
in the tables. For each architecture a test compares log-probabilities with the original model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.checkpoints.formats import gguf_configurations as configurations
from app.checkpoints.formats.gguf_header import Contents
from app.checkpoints.formats.gguf_metadata import UnusableError, shown
from app.checkpoints.formats.gguf_rope import FREQUENCIES, LONG, SHORT

_TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_BLOCK = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_NORMED_HEADS = {"attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm"}
_FOUR_NORMS = {
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
_FUSED = {
    "attn_norm": "input_layernorm",
    "attn_qkv": "self_attn.qkv_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_up": "mlp.gate_up_proj",
    "ffn_down": "mlp.down_proj",
}


_ATTENTION = {leaf: _BLOCK[leaf] for leaf in _BLOCK if not leaf.startswith("ffn_")} | {
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate_inp": "mlp.gate",
}
_SHARED_EXPERT = {
    "ffn_gate_inp_shexp": "mlp.shared_expert_gate",
    "ffn_gate_shexp": "mlp.shared_expert.gate_proj",
    "ffn_up_shexp": "mlp.shared_expert.up_proj",
    "ffn_down_shexp": "mlp.shared_expert.down_proj",
}
_EXPERTS = {
    "ffn_gate_exps": "mlp.experts.gate_up_proj",
    "ffn_up_exps": "mlp.experts.gate_up_proj",
    "ffn_down_exps": "mlp.experts.down_proj",
}
_GPT2_TOP = {
    "token_embd": "transformer.wte",
    "position_embd": "transformer.wpe",
    "output_norm": "transformer.ln_f",
    "output": "lm_head",
}
_GPT2 = {
    "attn_norm": "ln_1",
    "attn_qkv": "attn.c_attn",
    "attn_output": "attn.c_proj",
    "ffn_norm": "ln_2",
    "ffn_up": "mlp.c_fc",
    "ffn_down": "mlp.c_proj",
}


@dataclass(frozen=True, slots=True)
class Architecture:
    """How files of one architecture are converted.

    Attributes:
        configure: Makes the configuration of transformers from the keys of a file.
        block: Names of the tensors of a block in transformers, by their names in the file.
        top: The same for tensors outside of blocks.
        blocks: The module of transformers that holds the blocks.
        experts: The same for tensors of all experts of a block. Tensors of the same name in
            transformers are concatenated there, in this order.
        transposed: Matrices of a block that are transposed in transformers.
        interleaved: Tensors of a block whose rows llama.cpp interleaves for rotary embeddings.
        norms_plus_one: Whether llama.cpp adds 1 to the weights of norms.
        read_elsewhere: Tensors that become part of the configuration.
    """

    configure: Callable[[Contents], dict[str, Any]]
    block: Mapping[str, str]
    top: Mapping[str, str] = field(default_factory=lambda: _TOP)
    blocks: str = "model.layers"
    experts: Mapping[str, str] = field(default_factory=dict)
    transposed: tuple[str, ...] = ()
    interleaved: tuple[str, ...] = ()
    norms_plus_one: bool = False
    read_elsewhere: tuple[str, ...] = ()


def architecture_of(contents: Contents) -> Architecture:
    """The architecture of a file.

    Raises:
        UnusableError: The architecture is not supported.
    """
    name = contents.architecture
    if name == "llama" and contents.metadata.use("llama.expert_count") not in (None, 0):
        return _MIXTRAL
    if name not in ARCHITECTURES:
        raise UnusableError(
            f"its architecture is “{name[:40]}”; supported without llama.cpp are "
            f"{', '.join(sorted(ARCHITECTURES))}",
            "Read it with the engine llama.cpp, or choose the model's folder with .safetensors "
            "files.",
        )
    return ARCHITECTURES[name]


def configuration(contents: Contents) -> dict[str, Any]:
    """The configuration of transformers, from the keys of the file.

    Raises:
        UnusableError: A key is missing or not supported.
    """
    config = architecture_of(contents).configure(contents)
    prefix = f"{contents.architecture}."
    unknown = [key for key in contents.metadata.unused() if key.startswith(prefix)]
    if unknown:
        value = shown(contents.metadata.values[unknown[0]])
        raise UnusableError(
            f"its key “{unknown[0][:80]}” ({value}) may change what the model computes, "
            f"and is not supported for {contents.architecture}"
        )
    return config


_MIXTRAL = Architecture(
    configurations.mixtral, _ATTENTION, experts=_EXPERTS, interleaved=("attn_q", "attn_k")
)

ARCHITECTURES = {
    "llama": Architecture(
        configurations.llama,
        _BLOCK,
        interleaved=("attn_q", "attn_k"),
        read_elsewhere=(FREQUENCIES,),
    ),
    "qwen2": Architecture(configurations.qwen2, _BLOCK),
    "qwen3": Architecture(configurations.qwen3, _BLOCK | _NORMED_HEADS),
    "qwen2moe": Architecture(
        configurations.qwen2moe, _ATTENTION | _SHARED_EXPERT, experts=_EXPERTS
    ),
    "qwen3moe": Architecture(configurations.qwen3moe, _ATTENTION | _NORMED_HEADS, experts=_EXPERTS),
    "gpt2": Architecture(
        configurations.gpt2,
        _GPT2,
        _GPT2_TOP,
        blocks="transformer.h",
        transposed=("attn_qkv", "attn_output", "ffn_up", "ffn_down"),
    ),
    "gemma": Architecture(configurations.gemma, _BLOCK, norms_plus_one=True),
    "gemma2": Architecture(configurations.gemma2, _BLOCK | _FOUR_NORMS, norms_plus_one=True),
    "gemma3": Architecture(
        configurations.gemma3, _BLOCK | _FOUR_NORMS | _NORMED_HEADS, norms_plus_one=True
    ),
    "phi3": Architecture(configurations.phi3, _FUSED, read_elsewhere=(LONG, SHORT)),
}
