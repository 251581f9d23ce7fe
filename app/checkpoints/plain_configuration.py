"""Configurations of the usual families of models, read without torch and transformers.

transformers imports torch to read a configuration, which takes seconds. What a check needs of the
families below is a handful of numbers, which are in ``config.json`` or have defaults. A
configuration that has anything else than usual is left to transformers, with its own errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

_DTYPES = ("bfloat16", "float16", "float32")
_ACTIVATIONS = ("silu", "gelu", "gelu_new", "gelu_pytorch_tanh", "relu")
_LAYER_TYPES = ("full_attention", "sliding_attention")
_COUNTS = (
    "hidden_size",
    "intermediate_size",
    "max_position_embeddings",
    "num_attention_heads",
    "num_hidden_layers",
    "vocab_size",
)
_SWITCHES = (
    "attention_bias",
    "mlp_bias",
    "tie_word_embeddings",
    "use_cache",
    "use_sliding_window",
)
_FRACTIONS = ("initializer_range", "rms_norm_eps")
_NUMBERS = ("attention_dropout", "query_pre_attn_scalar", "rope_theta")
_NUMBERS_OR_NULL = ("attn_logit_softcapping", "final_logit_softcapping")
_SCALINGS: dict[str, tuple[str, ...]] = {
    "default": (),
    "linear": ("factor",),
    "dynamic": ("factor",),
    "yarn": ("factor",),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor"),
}
"""Types of rotary scaling, and the parameters that they need."""
_WITH_ORIGINAL = ("yarn", "llama3")
_LEFT_TO_TRANSFORMERS = frozenset(
    [
        "alibi",
        "attention_chunk_size",
        "attn_implementation",
        "auto_map",
        "ffn_dim",
        "head_dim_per_layer",
        "index_head_dim",
        "kv_lora_rank",
        "kv_sharing_modes",
        "multi_query",
        "n_inner",
        "new_decoder_architecture",
        "num_kv_heads",
        "original_max_position_embeddings",
        "partial_rotary_factor",
        "per_layer_config",
        "quantization_config",
        "text_config",
    ]
)
"""Keys that a configuration of these families does not have, and that change what it means."""


@dataclass(frozen=True, slots=True)
class Family:
    """What the models of one ``model_type`` have in common.

    Attributes:
        eos_token_id: The default of the end-of-sequence id.
        tied: The default of ``tie_word_embeddings``.
        softcapping: The default of ``final_logit_softcapping``.
        heads_default: Whether the numbers of key and value heads may be missing.
        head_size_default: Whether the size of a head may be missing.
        head_size_null: Whether it may be null.
        biases: Whether queries, keys and values have biases; None if the configuration says so.
        norms: Norms of a layer over the residual stream.
        head_norms: Whether queries and keys of each head are normalized.
        scaled_embedding: Whether the embedding has a buffer with its scale.
        eager: Whether attention materialises its weights.
    """

    eos_token_id: int | None = None
    tied: bool = False
    softcapping: float | None = None
    heads_default: bool = False
    head_size_default: bool = True
    head_size_null: bool = False
    biases: bool | None = None
    norms: int = 2
    head_norms: bool = False
    scaled_embedding: bool = False
    eager: bool = False


FAMILIES = {
    "llama": Family(eos_token_id=2, heads_default=True, head_size_null=True),
    "mistral": Family(eos_token_id=2, head_size_null=True, biases=False),
    "qwen2": Family(biases=True),
    "qwen3": Family(head_norms=True, head_size_default=False),
    "gemma2": Family(
        eos_token_id=1,
        tied=True,
        softcapping=30.0,
        norms=4,
        head_size_default=False,
        scaled_embedding=True,
        eager=True,
    ),
}
"""The families whose configurations are read here, by ``model_type``."""


@dataclass(frozen=True, slots=True)
class PlainConfiguration:
    """The values of a configuration that a check needs, by the names that transformers uses."""

    model_type: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    max_position_embeddings: int
    eos_token_id: int | list[int] | None
    tie_word_embeddings: bool
    attention_bias: bool
    mlp_bias: bool
    final_logit_softcapping: float | None
    dtype: str | None
    rope_parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def family(self) -> Family:
        """The family of the model."""
        return FAMILIES[self.model_type]

    def get_text_config(self, decoder: bool = False) -> PlainConfiguration:
        """The configuration itself, as in transformers for models of text alone."""
        return self


def plain_configuration(values: Mapping[str, Any]) -> PlainConfiguration | None:
    """The configuration with the content of a ``config.json``; None if transformers must read it.

    Args:
        values: The content of the file.
    """
    kind = values.get("model_type")
    family = FAMILIES.get(kind) if isinstance(kind, str) else None
    if family is None or not _is_usual(values):
        return None
    heads, hidden = values["num_attention_heads"], values["hidden_size"]
    groups = values.get("num_key_value_heads")
    if groups is None and family.heads_default:
        groups = heads
    size = values.get("head_dim")
    may_be_missing = family.head_size_null if "head_dim" in values else family.head_size_default
    if size is None and may_be_missing and hidden % heads == 0:
        size = hidden // heads
    rotary = _rotary(values)
    if not _is_count(groups) or not _is_count(size) or rotary is None:
        return None
    if hidden % heads or heads % groups or size % 2:
        return None
    return PlainConfiguration(
        model_type=str(kind),
        vocab_size=values["vocab_size"],
        hidden_size=hidden,
        intermediate_size=values["intermediate_size"],
        num_hidden_layers=values["num_hidden_layers"],
        num_attention_heads=heads,
        num_key_value_heads=groups,
        head_dim=size,
        max_position_embeddings=values["max_position_embeddings"],
        eos_token_id=values.get("eos_token_id", family.eos_token_id),
        tie_word_embeddings=values.get("tie_word_embeddings", family.tied),
        attention_bias=values.get("attention_bias", False),
        mlp_bias=values.get("mlp_bias", False),
        final_logit_softcapping=values.get("final_logit_softcapping", family.softcapping),
        dtype=values.get("dtype") or values.get("torch_dtype"),
        rope_parameters=rotary,
    )


def _is_usual(values: Mapping[str, Any]) -> bool:
    """Whether every value that matters has its usual type, and no key changes the meaning."""
    layer_types = values.get("layer_types")
    return (
        not _LEFT_TO_TRANSFORMERS.intersection(values)
        and all(_is_count(values.get(name)) for name in _COUNTS)
        and all(isinstance(values.get(name, False), bool) for name in _SWITCHES)
        and all(_is_number(values.get(name, 0)) for name in _NUMBERS)
        and all(values.get(name) is None or _is_number(values[name]) for name in _NUMBERS_OR_NULL)
        and all(_is_fraction(values.get(name, 0.0)) for name in _FRACTIONS)
        and values.get("hidden_act", "silu") in _ACTIVATIONS
        and values.get("hidden_activation", "silu") in _ACTIVATIONS
        and all(values.get(name) in (None, *_DTYPES) for name in ("dtype", "torch_dtype"))
        and _is_id(values.get("pad_token_id"), values["vocab_size"])
        and _is_id(values.get("bos_token_id"))
        and _are_ids(values.get("eos_token_id"))
        and _is_causal(values)
        and (layer_types is None or _are_layer_types(layer_types, values["num_hidden_layers"]))
        and (values.get("sliding_window") is None or _is_count(values["sliding_window"]))
    )


def _is_causal(values: Mapping[str, Any]) -> bool:
    heads = values.get("architectures")
    if heads is None:
        return True
    return isinstance(heads, list) and all(str(name).endswith("ForCausalLM") for name in heads)


def _are_layer_types(found: Any, layers: int) -> bool:
    return (
        isinstance(found, list)
        and len(found) == layers
        and all(kind in _LAYER_TYPES for kind in found)
    )


def _rotary(values: Mapping[str, Any]) -> dict[str, Any] | None:
    """The parameters of the rotary embeddings as transformers names them; None if unusual."""
    given = values.get("rope_scaling") or values.get("rope_parameters") or {}
    if not isinstance(given, Mapping) or any(isinstance(v, Mapping) for v in given.values()):
        return None
    kind = given.get("rope_type", given.get("type", "default"))
    if not isinstance(kind, str) or kind not in _SCALINGS:
        return None
    if not _is_number(given.get("rope_theta", 0)):
        return None
    if not all(_is_number(given.get(name)) for name in _SCALINGS[kind]):
        return None
    parameters = {**given, "rope_type": kind}
    if kind in _WITH_ORIGINAL:
        parameters.setdefault("original_max_position_embeddings", values["max_position_embeddings"])
        if not _is_count(parameters["original_max_position_embeddings"]):
            return None
    return parameters


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_fraction(value: Any) -> bool:
    return isinstance(value, float) and 0.0 <= value <= 1.0


def _is_id(value: Any, below: int | None = None) -> bool:
    if value is None:
        return True
    known = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return known and (below is None or value < below)


def _are_ids(value: Any) -> bool:
    return all(map(_is_id, value)) if isinstance(value, list) else _is_id(value)
