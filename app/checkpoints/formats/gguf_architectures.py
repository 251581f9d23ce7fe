"""The architectures of GGUF files that are converted: their keys and tensors in transformers.

A key of the architecture that is not asked for here refuses the file, and so does a tensor that is
not in the tables. Each architecture is here because a test has compared its log-probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.checkpoints.formats.gguf_header import Contents
from app.checkpoints.formats.gguf_metadata import UnusableError, shown
from app.checkpoints.formats.gguf_rope import FREQUENCIES, LONG, SHORT, rope_parameters

EMBEDDING = "token_embd.weight"

_CLOSE = 1e-5
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


@dataclass(frozen=True, slots=True)
class Architecture:
    """How files of one architecture are read.

    Attributes:
        configure: The configuration of transformers from the keys of the file.
        block: What transformers calls the tensors of a block, by their names in the file.
        top: The same for tensors outside of blocks.
        interleaved: Tensors of a block whose rotary halves llama.cpp keeps beside each other.
        norms_plus_one: Whether llama.cpp adds 1 to the weights of norms.
        read_elsewhere: Tensors that are used for the configuration.
    """

    configure: Callable[[Contents], dict[str, Any]]
    block: Mapping[str, str]
    top: Mapping[str, str] = field(default_factory=lambda: _TOP)
    interleaved: tuple[str, ...] = ()
    norms_plus_one: bool = False
    read_elsewhere: tuple[str, ...] = ()


def architecture_of(contents: Contents) -> Architecture:
    """How the file is to be read.

    Raises:
        UnusableError: It is of an architecture that is not converted.
    """
    name = contents.architecture
    if name not in ARCHITECTURES:
        raise UnusableError(
            f"its architecture is “{name[:40]}”; those whose conversion has been shown to be right "
            f"are {', '.join(sorted(ARCHITECTURES))}",
            "Choose the model's folder with .safetensors files.",
        )
    return ARCHITECTURES[name]


def configuration(contents: Contents) -> dict[str, Any]:
    """The configuration of transformers that the keys of the file stand for.

    Raises:
        UnusableError: A key is missing, or stands for something that would not be computed.
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


class _Keys:
    """The keys of the architecture of a file, without its name before each."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self._prefix = f"{contents.architecture}."

    def __contains__(self, key: str) -> bool:
        return self._prefix + key in self.contents.metadata

    def whole(self, key: str, default: int | None = None, least: int = 1) -> int:
        return self.contents.metadata.whole(self._prefix + key, default, least)

    def number(self, key: str, default: float | None = None) -> float:
        return self.contents.metadata.number(self._prefix + key, default)

    def positive(self, key: str, default: float | None = None) -> float:
        value = self.number(key, default)
        if value <= 0:
            raise UnusableError(f"its key “{self._prefix}{key}” is {value:g}")
        return value

    def is_list(self, key: str) -> bool:
        return isinstance(self.contents.metadata.values[self._prefix + key], list)

    def flags(self, key: str) -> list[bool]:
        return [bool(item) for item in self.contents.metadata.wholes(self._prefix + key)]

    def use(self, key: str) -> object:
        return self.contents.metadata.use(self._prefix + key)

    def must_be(self, key: str, *usual: float | str) -> None:
        """Refuse a file whose key, if it is there, is not what is computed anyway."""
        value = self.use(key)
        if isinstance(value, list) and value and all(item == value[0] for item in value):
            value = value[0]
        if value is not None and not any(_equal(value, item) for item in usual):
            raise UnusableError(
                f"its key “{self._prefix}{key}” is {shown(value)}, which is not supported"
            )


def _equal(value: object, usual: float | str) -> bool:
    if isinstance(value, int | float) and not isinstance(usual, str):
        return math.isclose(value, usual, rel_tol=_CLOSE)
    return value == usual


def _common(contents: Contents) -> dict[str, Any]:
    """What all decoders have. Keys that change nothing here are compared with what is computed."""
    keys = _Keys(contents)
    heads, hidden = keys.whole("attention.head_count"), keys.whole("embedding_length")
    groups = keys.whole("attention.head_count_kv", heads)
    size = keys.whole("attention.key_length", max(hidden // heads, 1))
    if heads % groups or size % 2 or ("attention.key_length" not in keys and hidden % heads):
        raise UnusableError(
            f"it has {heads} heads of {size} numbers in {hidden}, for {groups} keys"
        )
    _check_neutral(keys)
    keys.must_be("attention.value_length", size)
    return {
        "vocab_size": _rows(contents),
        "hidden_size": hidden,
        "intermediate_size": keys.whole("feed_forward_length"),
        "num_hidden_layers": _blocks(keys),
        "num_attention_heads": heads,
        "num_key_value_heads": groups,
        "head_dim": size,
        "max_position_embeddings": keys.whole("context_length"),
        "tie_word_embeddings": "output.weight" not in contents.tensors,
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": None,
        "attention_dropout": 0.0,
    }


def _blocks(keys: _Keys) -> int:
    blocks = keys.whole("block_count")
    found = {name.split(".")[1] for name in keys.contents.tensors if name.startswith("blk.")}
    if len(found) != blocks:
        raise UnusableError(f"it has the tensors of {len(found)} blocks of {blocks}")
    return blocks


def _check_neutral(keys: _Keys) -> None:
    keys.must_be("attention.causal", True)
    keys.must_be("tensor_data_layout", "Meta AI original pth")
    for key in ("expert_count", "expert_used_count", "expert_shared_count", "pooling_type"):
        keys.must_be(key, 0)
    for key in ("embedding_scale", "residual_scale", "logit_scale"):
        keys.must_be(key, 1.0)
    for key in ("attention.clamp_kqv", "attention.max_alibi_bias"):
        keys.must_be(key, 0.0)


def _usual(contents: Contents) -> dict[str, Any]:
    """A decoder with RMS norms, the usual scale of queries, and attention to all before."""
    config, keys = _common(contents), _Keys(contents)
    keys.must_be("attention.scale", config["head_dim"] ** -0.5)
    keys.must_be("attention.sliding_window", 0)
    return config | {"rms_norm_eps": keys.number("attention.layer_norm_rms_epsilon")}


def _rows(contents: Contents) -> int:
    """The ids of the model; the vocabulary may be padded in the file."""
    if EMBEDDING not in contents.tensors:
        raise UnusableError(f"it lacks the tensor “{EMBEDDING}”")
    rows = contents.tensors[EMBEDDING].shape[0]
    tokens = contents.metadata.count("tokenizer.ggml.tokens")
    if tokens > rows:
        raise UnusableError(f"it names {tokens:,} tokens, and “{EMBEDDING}” has {rows:,} rows")
    _Keys(contents).must_be("vocab_size", rows, tokens)
    return rows


def _rotary(contents: Contents, config: dict[str, Any]) -> dict[str, Any]:
    """Rotary positions over whole heads."""
    _Keys(contents).must_be("rope.dimension_count", config["head_dim"])
    return rope_parameters(contents, config["head_dim"], config["max_position_embeddings"])


def _has_bias(contents: Contents, leaf: str) -> bool:
    return f"blk.0.{leaf}.bias" in contents.tensors


def _llama(contents: Contents) -> dict[str, Any]:
    config = _usual(contents)
    return config | {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "hidden_act": "silu",
        "rope_parameters": _rotary(contents, config),
        "attention_bias": _has_bias(contents, "attn_q"),
        "mlp_bias": _has_bias(contents, "ffn_up"),
    }


def _qwen2(contents: Contents) -> dict[str, Any]:
    config = _usual(contents)
    _check_heads(config)
    return config | {
        "model_type": "qwen2",
        "architectures": ["Qwen2ForCausalLM"],
        "hidden_act": "silu",
        "rope_parameters": _rotary(contents, config),
        "use_sliding_window": False,
    }


def _qwen3(contents: Contents) -> dict[str, Any]:
    config = _usual(contents)
    return config | {
        "model_type": "qwen3",
        "architectures": ["Qwen3ForCausalLM"],
        "hidden_act": "silu",
        "rope_parameters": _rotary(contents, config),
        "attention_bias": _has_bias(contents, "attn_q"),
        "use_sliding_window": False,
    }


def _gemma(contents: Contents) -> dict[str, Any]:
    config = _usual(contents)
    return config | {
        "model_type": "gemma",
        "architectures": ["GemmaForCausalLM"],
        "hidden_act": "gelu_pytorch_tanh",
        "rope_parameters": _rotary(contents, config),
        "attention_bias": False,
    }


def _gemma2(contents: Contents) -> dict[str, Any]:
    config, keys = _common(contents), _Keys(contents)
    return config | {
        "model_type": "gemma2",
        "architectures": ["Gemma2ForCausalLM"],
        "hidden_activation": "gelu_pytorch_tanh",
        "rms_norm_eps": keys.number("attention.layer_norm_rms_epsilon"),
        "rope_parameters": _rotary(contents, config),
        "attention_bias": False,
        "query_pre_attn_scalar": _query_scalar(keys, config, blocks_of_27b=46),
        "sliding_window": keys.whole("attention.sliding_window", 4096),
        "layer_types": _layer_types(keys, config, every=2),
        "attn_logit_softcapping": keys.positive("attn_logit_softcapping", 50.0),
        "final_logit_softcapping": keys.positive("final_logit_softcapping", 30.0),
    }


def _gemma3(contents: Contents) -> dict[str, Any]:
    config, keys = _common(contents), _Keys(contents)
    keys.must_be("attn_logit_softcapping", 0.0)
    keys.number("rope.freq_base")  # most differ from llama.cpp's default: it must be there
    everywhere = _rotary(contents, config)
    if everywhere["rope_type"] not in ("default", "linear"):
        raise UnusableError(f"its positions are scaled as in {everywhere['rope_type']}")
    nearby = {"rope_type": "default", "rope_theta": keys.positive("rope.freq_base_swa", 10_000.0)}
    return config | {
        "model_type": "gemma3_text",
        "architectures": ["Gemma3ForCausalLM"],
        "hidden_activation": "gelu_pytorch_tanh",
        "rms_norm_eps": keys.number("attention.layer_norm_rms_epsilon"),
        "rope_parameters": {"full_attention": everywhere, "sliding_attention": nearby},
        "attention_bias": False,
        "query_pre_attn_scalar": _query_scalar(keys, config, blocks_of_27b=62),
        "sliding_window": keys.whole("attention.sliding_window"),
        "layer_types": _layer_types(keys, config, every=6),
        "attn_logit_softcapping": None,
        "final_logit_softcapping": keys.number("final_logit_softcapping", 0.0) or None,
    }


def _phi3(contents: Contents) -> dict[str, Any]:
    config, keys = _common(contents), _Keys(contents)
    _check_heads(config)
    keys.must_be("attention.scale", config["head_dim"] ** -0.5)
    turning = keys.whole("rope.dimension_count", config["head_dim"])
    if turning > config["head_dim"] or turning % 2:
        raise UnusableError(f"{turning} of {config['head_dim']} dimensions of a head turn")
    original = keys.whole("rope.scaling.original_context_length", config["max_position_embeddings"])
    rope = rope_parameters(contents, turning, original)
    if rope["rope_type"] not in ("default", "longrope"):
        raise UnusableError(f"its positions are scaled as in {rope['rope_type']}")
    if rope["rope_type"] == "default":
        keys.must_be("rope.scaling.attn_factor", 1.0)
    return config | {
        "model_type": "phi3",
        "architectures": ["Phi3ForCausalLM"],
        "hidden_act": "silu",
        "rms_norm_eps": keys.number("attention.layer_norm_rms_epsilon"),
        "rope_parameters": rope | {"partial_rotary_factor": turning / config["head_dim"]},
        "original_max_position_embeddings": original,
        "sliding_window": keys.whole("attention.sliding_window", 0, least=0) or None,
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
    }


def _check_heads(config: dict[str, Any]) -> None:
    """Refuse sizes of heads that the configuration of transformers cannot say."""
    if config["head_dim"] * config["num_attention_heads"] != config["hidden_size"]:
        raise UnusableError(
            f"its {config['num_attention_heads']} heads of {config['head_dim']} numbers do not "
            f"make up {config['hidden_size']}"
        )


def _query_scalar(keys: _Keys, config: dict[str, Any], blocks_of_27b: int) -> int:
    """What queries are divided by the root of.

    Files do not say it. As in llama.cpp, it is the size of a head, except in the largest model of
    the family, which is known by its number of blocks.
    """
    scalar = float(config["head_dim"])
    if config["num_hidden_layers"] == blocks_of_27b:
        scalar = config["hidden_size"] / config["num_attention_heads"]
    if "attention.scale" in keys:
        scalar = keys.positive("attention.scale") ** -2
    if not math.isclose(scalar, round(scalar), rel_tol=_CLOSE):
        raise UnusableError(f"its queries are divided by the root of {scalar:g}")
    return round(scalar)


def _layer_types(keys: _Keys, config: dict[str, Any], every: int) -> list[str]:
    """Which blocks see a window alone: all but the last of ``every``, or as the file says."""
    blocks = config["num_hidden_layers"]
    key = "attention.sliding_window_pattern"
    if key in keys and keys.is_list(key):
        windows = keys.flags(key)
        if len(windows) != blocks:
            raise UnusableError(f"its key “{key}” is for {len(windows)} blocks of {blocks}")
    else:
        every = keys.whole(key, every)
        windows = [block % every < every - 1 for block in range(blocks)]
    return ["sliding_attention" if window else "full_attention" for window in windows]


_ROTARY_FACTORS = (LONG, SHORT)

ARCHITECTURES = {
    "llama": Architecture(
        _llama, _BLOCK, interleaved=("attn_q", "attn_k"), read_elsewhere=(FREQUENCIES,)
    ),
    "qwen2": Architecture(_qwen2, _BLOCK),
    "qwen3": Architecture(_qwen3, _BLOCK | _NORMED_HEADS),
    "gemma": Architecture(_gemma, _BLOCK, norms_plus_one=True),
    "gemma2": Architecture(_gemma2, _BLOCK | _FOUR_NORMS, norms_plus_one=True),
    "gemma3": Architecture(_gemma3, _BLOCK | _FOUR_NORMS | _NORMED_HEADS, norms_plus_one=True),
    "phi3": Architecture(_phi3, _FUSED, read_elsewhere=_ROTARY_FACTORS),
}
