"""A small configuration for every kind of causal language model that transformers has.

Sizes are made small by the names that configurations share. What else has to fit together, or would
be too large or switched off, is named for each model type. Texts that are read with these models
are longer than every sliding window, chunk and block.
"""

from __future__ import annotations

from typing import Any

from transformers import CONFIG_MAPPING, PretrainedConfig

POSITIONS = 128
"""The longest text that the models may read."""
_WIDTH, _HEADS, _LAYERS, _WINDOW, _ROPE = 64, 4, 4, 8, 8
_HEAD = _WIDTH // _HEADS


def _named(value: int, names: str) -> dict[str, int]:
    return dict.fromkeys(names.split(), value)


_SIZES: dict[str, int] = {
    **_named(
        _WIDTH,
        """hidden_size d_model n_embd attention_hidden_size embedding_dim embedding_size emb_dim
        word_embed_proj_dim input_embedding_size output_embedding_size lru_width hidden_dim
        hidden_size_global backbone_hidden_size adapter_in_dim adapter_out_dim adapter_input_size
        shape_embed_dim pronunciation_embed_dim out_hidden_size router_hidden_size output_dim
        text_hidden_size multimodal_hidden_size""",
    ),
    **_named(
        96,
        """intermediate_size ffn_dim decoder_ffn_dim encoder_ffn_dim dff dim_ff d_inner
        feed_forward_size ffn_hidden_size intermediate_size_mlp dense_intermediate_size
        moe_intermediate_size shared_expert_intermediate_size shared_intermediate_size
        shared_experts_intermediate_size expert_ffn_hidden_size mlp_dim
        moe_shared_expert_intermediate_size""",
    ),
    **_named(
        _LAYERS,
        """num_hidden_layers n_layer n_layers decoder_layers num_decoder_layers num_blocks
        num_layers""",
    ),
    **_named(1, "encoder_layers num_encoder_layers depth num_global_layers"),
    **_named(
        _HEADS,
        """num_attention_heads n_head n_heads decoder_attention_heads encoder_attention_heads
        num_decoder_attention_heads num_encoder_attention_heads attention_heads num_heads
        swa_num_attention_heads linear_num_value_heads linear_num_heads""",
    ),
    **_named(
        2,
        """num_key_value_heads num_kv_heads swa_num_key_value_heads linear_num_key_heads
        num_query_groups""",
    ),
    **_named(
        _HEAD,
        """head_dim swa_head_dim d_head dim_head linear_key_head_dim linear_value_head_dim
        linear_head_dim attention_head_size v_head_dim qk_nope_head_dim kv_channels index_head_dim
        global_head_dim query_pre_attn_scalar kv_lora_rank swa_v_head_dim o_lora_rank""",
    ),
    **_named(_ROPE, "rotary_dim qk_rope_head_dim"),
    "qk_head_dim": _HEAD + _ROPE,
    "q_lora_rank": 24,
    **_named(4, "num_experts n_routed_experts num_local_experts moe_num_experts"),
    **_named(
        2,
        """num_experts_per_tok num_experts_per_token moe_topk moe_k n_group num_expert_group
        moe_top_k""",
    ),
    **_named(
        1,
        """topk_group n_shared_experts num_shared_experts moe_num_shared_experts
        first_k_dense_replace moe_layer_start_index""",
    ),
    **_named(
        _WINDOW,
        """sliding_window window_size attention_window_size local_attention attention_chunk_size
        sliding_window_size local_attention_window_len keep_window_size index_topk
        max_window_layers""",
    ),
    **_named(
        POSITIONS,
        """max_position_embeddings n_positions n_ctx max_seq_len context_length
        max_target_positions max_source_positions model_max_length seq_length""",
    ),
    **_named(16, "index_n_heads"),  # few would all be negative, and their ReLUs equal, too often
    **_named(16, "chunk_size mamba_chunk_size block_size mamba_d_state state_size ssm_state_size"),
    **_named(8, "time_step_rank shape_vocab_size pronunciation_vocab_size"),
    "num_nextn_predict_layers": 0,
}

_NULLABLE = (
    *("sliding_window", "q_lora_rank", "head_dim"),
    *("n_routed_experts", "num_experts_per_tok", "n_shared_experts"),
)
"""What is None in some configurations by default, and is a number in checkpoints."""

_LATENT = {"num_key_value_heads": _HEADS, "head_dim": _ROPE}
"""Attention over one compressed vector for all heads, of which rotary positions get a part."""

_ROTARY = {"rope_type": "default", "rope_theta": 10000.0}

_ASSISTANT = {
    "hidden_size_per_layer_input": 0,
    "vocab_size_per_layer_input": 0,
    "num_kv_shared_layers": _LAYERS,
    "layer_types": ["sliding_attention", "full_attention"] * 2,
}
_NEEDED: dict[str, dict[str, Any]] = {
    "gemma4_assistant": {"text_config": _ASSISTANT | {"num_hidden_layers": _LAYERS}},
    "gemma4_unified_assistant": {"text_config": _ASSISTANT | {"num_hidden_layers": _LAYERS}},
}
"""What a configuration lacks without arguments."""

_OWN: dict[str, dict[str, Any]] = {
    "axk1": _LATENT,
    "axk2": _LATENT,
    "bailing_hybrid": {**_LATENT, "layer_group_size": 2},
    "deepseek_v2": _LATENT,
    "deepseek_v3": _LATENT,
    "deepseek_v32": _LATENT,
    "glm4_moe_lite": _LATENT,
    "glm_moe_dsa": _LATENT,
    "minicpm3": _LATENT,
    "youtu": _LATENT,
    "longcat_flash": _LATENT | {"num_layers": 2, "zero_expert_num": 2},
    "bamba": {"attn_layer_indices": [1, 3]},
    "granitemoehybrid": {"layer_types": ["mamba", "attention"] * 2},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1},
    "blt": {
        "encoder_hash_byte_group_vocab": 60,
    },
    "cohere2": {"sliding_window_pattern": 2},
    "cohere_compass_text": {
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "rope_parameters": {"sliding_attention": _ROTARY, "full_attention": None},
    },
    "dots1": {"max_window_layers": 2},
    "dots3_note_text": {
        **_LATENT,
        "num_key_value_heads": _HEADS,
        "head_dim": _HEAD + _ROPE,
        "swa_num_attention_heads": _HEADS,
        "swa_num_key_value_heads": _HEADS,
        "swa_q_lora_rank": 24,
        "swa_kv_lora_rank": _HEAD,
        "swa_head_dim": _HEAD + _ROPE,
        "swa_qk_nope_head_dim": _HEAD,
        "swa_v_head_dim": _HEAD,
    },
    "falcon": {"num_kv_heads": _HEADS, "multi_query": True},
    "dots3_note_vision_encoder": {"mlp_layer_types": ["dense"] * _LAYERS},
    "gemma3n_text": {
        "intermediate_size": 96,
        "num_hidden_layers": 6,
        "num_kv_shared_layers": 1,
        "layer_types": ["sliding_attention", "full_attention"] * 3,
        "laurel_rank": 8,
        "vocab_size_per_layer_input": 320,
        "hidden_size_per_layer_input": 16,
    },
    "gemma4_text": {"vocab_size_per_layer_input": 320, "hidden_size_per_layer_input": 16},
    "gpt_neo": {"attention_types": [[["global", "local"], 2]]},
    "kimi_linear": {
        "num_key_value_heads": _HEADS,
        "layer_types": ["linear_attention", "full_attention"] * 2,
    },
    "lfm2_moe": {
        "layer_types": ["conv", "full_attention"] * 2,
    },
    "mamba2": {"num_heads": 8, "head_dim": 16, "n_groups": 2},
    "nemotron": {"num_key_value_heads": 2},
    "qwen4_exp_text": {
        "indexer_n_heads": 2,
        "indexer_kv_heads": 1,
        "indexer_head_dim": 16,
        "indexer_budget": 8,
        "indexer_compress_ratio": 1,
    },
    "reformer": {
        "attn_layers": ["local", "lsh", "local", "lsh"],
        "axial_pos_shape": [8, 16],
        "axial_pos_embds_dim": [16, 48],
        "local_attn_chunk_length": 16,
        "lsh_attn_chunk_length": 16,
        "num_buckets": 4,
    },
    "xlm": {"causal": True},
    "xmod": {"default_language": "en_XX"},
    "zamba": {
        "attention_hidden_size": 2 * _WIDTH,
        "layers_block_type": ["linear_attention", "linear_attention", "hybrid", "hybrid"],
        "n_mamba_heads": 2,
    },
    "zamba2": {
        "attention_hidden_size": 2 * _WIDTH,
        "layers_block_type": ["linear_attention", "hybrid"] * 2,
        "n_mamba_heads": 8,
    },
    "zaya": {"num_experts_per_tok": 1},
}


VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "falcon, as 40B": ("falcon", {"new_decoder_architecture": True, "num_kv_heads": 2}),
    "falcon, ALiBi": ("falcon", {"alibi": True, "multi_query": False}),
    "gemma2, caps on scores and logits": (
        "gemma2",
        {"attn_logit_softcapping": 5.0, "final_logit_softcapping": 3.0},
    ),
    "llama, tied": ("llama", {"tie_word_embeddings": True}),
    "llama, linear": (
        "llama",
        {"rope_parameters": _ROTARY | {"rope_type": "linear", "factor": 4.0}},
    ),
    "llama, yarn": ("llama", {"rope_parameters": _ROTARY | {"rope_type": "yarn", "factor": 4.0}}),
    "llama, dynamic NTK that begins within the text": (
        "llama",
        {
            "max_position_embeddings": 25,
            "rope_parameters": _ROTARY | {"rope_type": "dynamic", "factor": 4.0},
        },
    ),
    "phi3, longrope that switches within the text": (
        "phi3",
        {
            "sliding_window": None,
            "original_max_position_embeddings": 25,
            "rope_parameters": _ROTARY
            | {
                "rope_type": "longrope",
                "short_factor": [1.0] * (_HEAD // 2),
                "long_factor": [1.0 + place for place in range(_HEAD // 2)],
            },
        },
    ),
    "qwen2, sliding window": ("qwen2", {"use_sliding_window": True, "max_window_layers": 2}),
    "reformer, local attention": (
        "reformer",
        {"attn_layers": ["local"] * 2, "local_attn_chunk_length": 16},
    ),
    "xlm, of masked words": ("xlm", {"causal": False}),
    "bert, an encoder": ("bert", {"is_decoder": False}),
}
"""More configurations of some model types: what makes another model of them."""


def tiny_configuration(kind: str, rows: int) -> PretrainedConfig:
    """A configuration for a vocabulary of ``rows`` ids.

    Args:
        kind: A model type, or a name in ``VARIANTS``.
        rows: Of the output layer.
    """
    kind, more = VARIANTS.get(kind, (kind, {}))
    made = CONFIG_MAPPING[kind]
    needed = _NEEDED.get(kind, {})
    return made(**_merged(_settings(made(**needed), rows), needed) | more)


def _merged(settings: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return settings | {
        name: _merged(settings.get(name, {}), value) if isinstance(value, dict) else value
        for name, value in more.items()
    }


def _settings(config: PretrainedConfig, rows: int) -> dict[str, Any]:
    settings: dict[str, Any] = {
        name: size for name, size in _SIZES.items() if _may_be_set(config, name)
    }
    for name, part in vars(config).items():
        if isinstance(part, PretrainedConfig):
            settings[name] = _settings(part, rows)
    if "vocab_size" in vars(config):
        settings |= {"vocab_size": rows, "is_decoder": True}
        settings |= dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), 0)
    return settings | _OWN.get(config.model_type, {})


def _may_be_set(config: PretrainedConfig, name: str) -> bool:
    if name not in vars(config):
        return False
    had = vars(config)[name]
    return isinstance(had, int) or (had is None and name in _NULLABLE)
