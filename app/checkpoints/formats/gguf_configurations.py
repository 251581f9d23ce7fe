"""Configurations of transformers from the keys of GGUF files, one function per architecture."""

from __future__ import annotations

import math
from typing import Any

from app.checkpoints.formats.gguf_header import Contents
from app.checkpoints.formats.gguf_keys import Keys
from app.checkpoints.formats.gguf_metadata import UnusableError
from app.checkpoints.formats.gguf_rope import rope_parameters

_SOFTMAX = 1  # llama.cpp's number of this gating function of experts
_CLOSE = 1e-5


def _common(contents: Contents) -> dict[str, Any]:
    """The part of a configuration that all architectures share."""
    keys = Keys(contents)
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


def _blocks(keys: Keys) -> int:
    blocks = keys.whole("block_count")
    found = {name.split(".")[1] for name in keys.contents.tensors if name.startswith("blk.")}
    if len(found) != blocks:
        raise UnusableError(f"it has the tensors of {len(found)} blocks of {blocks}")
    return blocks


def _check_neutral(keys: Keys) -> None:
    keys.must_be("attention.causal", True)
    keys.must_be("tensor_data_layout", "Meta AI original pth")
    keys.must_be("pooling_type", 0)
    for key in ("embedding_scale", "residual_scale", "logit_scale"):
        keys.must_be(key, 1.0)
    for key in ("attention.clamp_kqv", "attention.max_alibi_bias"):
        keys.must_be(key, 0.0)


def _usual(contents: Contents) -> dict[str, Any]:
    """A decoder with RMS norms, queries scaled by head_dim ** -0.5, and full causal attention."""
    config, keys = _common(contents), Keys(contents)
    keys.must_be("attention.scale", config["head_dim"] ** -0.5)
    keys.must_be("attention.sliding_window", 0)
    return config | {"rms_norm_eps": keys.number("attention.layer_norm_rms_epsilon")}


def _rows(contents: Contents) -> int:
    rows = contents.rows
    Keys(contents).must_be("vocab_size", rows, contents.metadata.count("tokenizer.ggml.tokens"))
    return rows


def _rotary(contents: Contents, config: dict[str, Any]) -> dict[str, Any]:
    """``rope_parameters`` of a model that rotates all dimensions of its heads."""
    Keys(contents).must_be("rope.dimension_count", config["head_dim"])
    return rope_parameters(contents, config["head_dim"], config["max_position_embeddings"])


def _has_bias(contents: Contents, leaf: str) -> bool:
    return f"blk.0.{leaf}.bias" in contents.tensors


def llama(contents: Contents) -> dict[str, Any]:
    config, keys = _usual(contents), Keys(contents)
    for key in ("expert_count", "expert_used_count"):
        keys.must_be(key, 0)
    return config | {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "hidden_act": "silu",
        "rope_parameters": _rotary(contents, config),
        "attention_bias": _has_bias(contents, "attn_q"),
        "mlp_bias": _has_bias(contents, "ffn_up"),
    }


def mixtral(contents: Contents) -> dict[str, Any]:
    """Mixtral, whose files have the architecture ``llama`` and experts."""
    config, keys = _usual(contents), Keys(contents)
    used = _experts(keys, weights_sum_to_one=True)
    keys.must_be("expert_feed_forward_length", config["intermediate_size"])
    return config | {
        "model_type": "mixtral",
        "architectures": ["MixtralForCausalLM"],
        "hidden_act": "silu",
        "rope_parameters": _rotary(contents, config),
        "num_local_experts": keys.whole("expert_count"),
        "num_experts_per_tok": used,
        "sliding_window": None,
    }


def qwen2(contents: Contents) -> dict[str, Any]:
    config = _usual(contents)
    _check_heads(config)
    return config | {
        "model_type": "qwen2",
        "architectures": ["Qwen2ForCausalLM"],
        "hidden_act": "silu",
        "rope_parameters": _rotary(contents, config),
        "use_sliding_window": False,
    }


def qwen3(contents: Contents) -> dict[str, Any]:
    config = _usual(contents)
    return config | {
        "model_type": "qwen3",
        "architectures": ["Qwen3ForCausalLM"],
        "hidden_act": "silu",
        "rope_parameters": _rotary(contents, config),
        "attention_bias": _has_bias(contents, "attn_q"),
        "use_sliding_window": False,
    }


def qwen2moe(contents: Contents) -> dict[str, Any]:
    config, keys = qwen2(contents), Keys(contents)
    return config | {
        "model_type": "qwen2_moe",
        "architectures": ["Qwen2MoeForCausalLM"],
        "num_experts": keys.whole("expert_count"),
        "num_experts_per_tok": _experts(keys, weights_sum_to_one=False),
        "norm_topk_prob": False,
        "moe_intermediate_size": keys.whole("expert_feed_forward_length"),
        "shared_expert_intermediate_size": keys.whole("expert_shared_feed_forward_length"),
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
        "qkv_bias": _has_bias(contents, "attn_q"),
    }


def qwen3moe(contents: Contents) -> dict[str, Any]:
    config, keys = qwen3(contents), Keys(contents)
    return config | {
        "model_type": "qwen3_moe",
        "architectures": ["Qwen3MoeForCausalLM"],
        "num_experts": keys.whole("expert_count"),
        "num_experts_per_tok": _experts(keys, weights_sum_to_one=True),
        "norm_topk_prob": True,
        "moe_intermediate_size": keys.whole("expert_feed_forward_length"),
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
    }


def _experts(keys: Keys, *, weights_sum_to_one: bool) -> int:
    """The number of experts per token; refuses unsupported ways of routing."""
    keys.must_be("expert_gating_func", _SOFTMAX)
    keys.must_be("expert_weights_norm", weights_sum_to_one)
    keys.must_be("expert_weights_scale", 1.0, 0.0)  # 0 means no scaling
    count, used = keys.whole("expert_count"), keys.whole("expert_used_count")
    if used > count:
        raise UnusableError(f"it uses {used} experts per token and has {count}")
    return used


def gemma(contents: Contents) -> dict[str, Any]:
    config = _usual(contents)
    return config | {
        "model_type": "gemma",
        "architectures": ["GemmaForCausalLM"],
        "hidden_act": "gelu_pytorch_tanh",
        "rope_parameters": _rotary(contents, config),
        "attention_bias": False,
    }


def gemma2(contents: Contents) -> dict[str, Any]:
    config, keys = _common(contents), Keys(contents)
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


def gemma3(contents: Contents) -> dict[str, Any]:
    config, keys = _common(contents), Keys(contents)
    keys.must_be("attn_logit_softcapping", 0.0)
    keys.number("rope.freq_base")  # required: most models differ from llama.cpp's default
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


def phi3(contents: Contents) -> dict[str, Any]:
    config, keys = _common(contents), Keys(contents)
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
    """Refuse head sizes that the configuration of transformers cannot express."""
    if config["head_dim"] * config["num_attention_heads"] != config["hidden_size"]:
        raise UnusableError(
            f"its {config['num_attention_heads']} heads of {config['head_dim']} numbers do not "
            f"make up {config['hidden_size']}"
        )


def _query_scalar(keys: Keys, config: dict[str, Any], blocks_of_27b: int) -> int:
    """``query_pre_attn_scalar``: queries are divided by its square root.

    Files do not have it. As in llama.cpp, it is the head size, except in the 27B model of the
    family, which is recognized by its number of blocks.
    """
    scalar = float(config["head_dim"])
    if config["num_hidden_layers"] == blocks_of_27b:
        scalar = config["hidden_size"] / config["num_attention_heads"]
    if "attention.scale" in keys:
        scalar = keys.positive("attention.scale") ** -2
    if not math.isclose(scalar, round(scalar), rel_tol=_CLOSE):
        raise UnusableError(f"its queries are divided by the root of {scalar:g}")
    return round(scalar)


def _layer_types(keys: Keys, config: dict[str, Any], every: int) -> list[str]:
    """Layer types: sliding attention but in each ``every``-th block, or as listed in the file."""
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


def gpt2(contents: Contents) -> dict[str, Any]:
    config, keys = _common(contents), Keys(contents)
    _check_heads(config)
    keys.must_be("attention.scale", config["head_dim"] ** -0.5)
    if config["num_key_value_heads"] != config["num_attention_heads"]:
        raise UnusableError("it groups its heads, which GPT-2 does not")
    return {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "vocab_size": config["vocab_size"],
        "n_positions": config["max_position_embeddings"],
        "n_embd": config["hidden_size"],
        "n_layer": config["num_hidden_layers"],
        "n_head": config["num_attention_heads"],
        "n_inner": config["intermediate_size"],
        "activation_function": "gelu_new",
        "layer_norm_epsilon": keys.number("attention.layer_norm_epsilon"),
        "tie_word_embeddings": config["tie_word_embeddings"],
    }
