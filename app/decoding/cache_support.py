"""Which kind of cache a model can be read with: a KV cache, a recurrent state, or none.

The model types named here were found by tests that compare every causal language model of
transformers with plain forward passes (docs/models.md).
"""

from __future__ import annotations

from inspect import signature

import torch
from transformers import PreTrainedModel

from app.decoding.context_limit import COUNTED_FROM_PADDING
from app.decoding.rotary_scaling import longest_unscaled

_NO_CACHE = {
    "blt": "it groups bytes into patches, whose boundaries change as the text grows",
    "cpmant": "it inserts a learned prompt before every block",
    "minimax": "it needs a cache class that Tuneshift does not use",
    "moshi": "its cache has a sliding window, and its attention has none",
    "nemotron_h": "single tokens after a prefill get other logits than in one forward pass",
    "prophetnet": "with a cache it reads single tokens only, no blocks",
    "recurrent_gemma": "its layers hold the state themselves, so that several texts would share it",
    "xlstm": "it needs a cache class that Tuneshift does not use",
    "zamba2": "single tokens after a prefill get other logits than in one forward pass",
    "zaya": "transformers raises an error when it continues from its cache",
}
"""Model types that take a cache but give wrong logits with it, and the reason."""

_LOOKS_AHEAD = "cpmant", "prophetnet"
"""Model types that are not strictly causal: a token changes the logits of earlier positions."""

_POSITIONS_FROM_ZERO = ("bamba",)
"""Model types that count positions from 0 in every block if no position ids are passed."""

_MASKED_BY_LENGTH = ("gpt_neo",)
"""Model types whose attention takes the positions of queries from the number of keys."""

_COUNTED_ON_HOST = ("jetmoe", "longcat_flash")
"""Model types that ask the device in every step how many tokens each expert has."""

_STATE_AND_BLOCKS = frozenset(
    [
        "bailing_hybrid",
        "bamba",
        "deepseek_v4",
        "falcon_h1",
        "granitemoehybrid",
        "kimi_linear",
        "olmo_hybrid",
        "qwen3_5",
        "qwen3_5_text",
        "qwen3_5_moe",
        "qwen3_5_moe_text",
        "qwen3_next",
        "qwen4_exp",
        "qwen4_exp_text",
    ]
)
"""Model types with a recurrent state that continue from it with a block of several tokens.

Others (Jamba, Zamba, Mamba) start such a block from an empty state.
"""


def why_not_cached(model: PreTrainedModel) -> str:
    """The reason why ``model`` cannot be read with a cache; empty if it can."""
    parameters = signature(model.forward).parameters
    if "past_key_values" not in parameters and "cache_params" not in parameters:
        return "its forward pass takes no cache"
    return _NO_CACHE.get(model.config.model_type, "")


def looks_ahead(model: PreTrainedModel, tokens: int) -> bool:
    """Whether, in a forward pass of ``tokens`` tokens, logits depend on later tokens.

    They do if the model type is not strictly causal, or if its rotary embeddings are scaled by the
    length of the text.
    """
    unscaled = longest_unscaled(model.config)
    if unscaled is not None and tokens > unscaled:
        return True
    return model.config.model_type in _LOOKS_AHEAD


def has_recurrent_state(model: PreTrainedModel) -> bool:
    """Whether ``model`` has a recurrent state, alone or beside a KV cache; it cannot be rewound."""
    return bool(getattr(model, "_is_stateful", False))


def cache_argument(model: PreTrainedModel) -> str:
    """The parameter of the forward pass that takes the cache."""
    parameters = signature(model.forward).parameters
    return "past_key_values" if "past_key_values" in parameters else "cache_params"


def needs_position_ids(model: PreTrainedModel) -> bool:
    """Whether position ids must be passed, since ``model`` does not derive them from its cache."""
    return model.config.model_type in _POSITIONS_FROM_ZERO


def computes_own_positions(model: PreTrainedModel) -> bool:
    """Whether ``model`` derives positions from its cache and needs no ids that count from 0."""
    return (
        "position_ids" not in signature(model.forward).parameters
        or model.config.model_type in COUNTED_FROM_PADDING
        or getattr(model.config, "alibi", False) is True
    )


def needs_exact_keys(model: PreTrainedModel) -> bool:
    """Whether ``model`` must be given no keys beyond the last token that it reads."""
    return model.config.model_type in _MASKED_BY_LENGTH


def counts_experts_on_host(model: PreTrainedModel) -> bool:
    """Whether ``model`` asks the device how many tokens each expert has, and waits for it.

    The other models have experts whose matrices torch multiplies in one kernel, which asks nothing
    for bfloat16 on GPUs since Ampere.
    """
    if model.config.model_type in _COUNTED_ON_HOST:
        return True
    if model.device.type != "cuda" or not model._can_set_experts_implementation():
        return False
    if model.config._experts_implementation == "batched_mm":
        return False
    fast = torch.cuda.get_device_capability(model.device) >= (8, 0)
    one_kernel = model.config._experts_implementation == "grouped_mm"
    return not (one_kernel and fast and model.dtype == torch.bfloat16)


def continues_by_single_tokens(model: PreTrainedModel) -> bool:
    """Whether only the first block may have several tokens, and all later ones a single token."""
    return has_recurrent_state(model) and model.config.model_type not in _STATE_AND_BLOCKS
