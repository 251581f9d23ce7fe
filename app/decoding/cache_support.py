"""What kind of state a model keeps of what it has read, and whether a KV cache is right for it.

Tests compare every class that transformers has with plain forward passes (docs/models.md); what is
said here by name was found by them.
"""

from __future__ import annotations

from inspect import signature

from transformers import PreTrainedModel

from app.decoding.context_limit import COUNTED_FROM_PADDING
from app.decoding.rotary_scaling import longest_unscaled

_NO_CACHE = {
    "blt": "it groups bytes into patches, which change as a text grows",
    "cpmant": "it puts a learned prompt before every block that it reads",
    "minimax": "its cache is a class of its own",
    "moshi": "its cache has a sliding window that its attention does not have",
    "nemotron_h": "it computes single tokens after a text otherwise than the whole text",
    "prophetnet": "it reads single tokens with it, and no blocks",
    "recurrent_gemma": "its layers hold one state, which several texts would share",
    "xlstm": "its cache is a class of its own",
    "zamba2": "it computes single tokens after a text otherwise than the whole text",
    "zaya": "transformers fails to go on after a text with it",
}
"""Model types whose forward pass takes a cache that gives other logits than the whole text."""

_LOOKS_AHEAD = "cpmant", "prophetnet"
"""Model types in which a token changes what is computed for those before it."""

_POSITIONS_FROM_ZERO = ("bamba",)
"""Model types that count positions from 0 in every block, unless they are told."""

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
"""Model types with a recurrent state that go on from it when a block of several tokens follows.

Others (Jamba, Zamba, Mamba) begin such a block as if nothing stood before it.
"""


def why_not_cached(model: PreTrainedModel) -> str:
    """What keeps ``model`` from being read with a KV cache, or an empty text."""
    takes = signature(model.forward).parameters
    if "past_key_values" not in takes and "cache_params" not in takes:
        return "it takes no KV cache"
    return _NO_CACHE.get(model.config.model_type, "")


def looks_ahead(model: PreTrainedModel, tokens: int) -> bool:
    """Whether a forward pass of so many tokens gives other rows than one of each beginning.

    Rows depend on what follows, or rotary embeddings are scaled by how long the whole text is.
    """
    unscaled = longest_unscaled(model.config)
    if unscaled is not None and tokens > unscaled:
        return True
    return model.config.model_type in _LOOKS_AHEAD


def keeps_a_state(model: PreTrainedModel) -> bool:
    """Whether ``model`` keeps a state that cannot be rewound, alone or beside keys and values."""
    return bool(getattr(model, "_is_stateful", False))


def cache_argument(model: PreTrainedModel) -> str:
    """The name under which the forward pass of ``model`` takes its cache."""
    takes = signature(model.forward).parameters
    return "past_key_values" if "past_key_values" in takes else "cache_params"


def has_to_be_told_positions(model: PreTrainedModel) -> bool:
    """Whether ``model`` does not learn from its cache at which position a block begins."""
    return model.config.model_type in _POSITIONS_FROM_ZERO


def counts_positions_itself(model: PreTrainedModel) -> bool:
    """Whether ``model`` has no use for positions from 0 on, and counts what its cache holds."""
    return (
        "position_ids" not in signature(model.forward).parameters
        or model.config.model_type in COUNTED_FROM_PADDING
        or getattr(model.config, "alibi", False) is True
    )


def goes_on_by_single_tokens(model: PreTrainedModel) -> bool:
    """Whether only the first block may have several tokens; each after it is read by itself."""
    return keeps_a_state(model) and model.config.model_type not in _STATE_AND_BLOCKS
