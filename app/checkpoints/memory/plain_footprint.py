"""The footprint of a model of a usual family, computed from its configuration without torch."""

from __future__ import annotations

from app.checkpoints.memory.footprint import BYTES, Footprint
from app.checkpoints.plain_configuration import PlainConfiguration

_FREQUENCY_BUFFERS = 2
"""Buffers of rotary frequencies: those in use, and a copy of those before scaling."""


def plain_footprint(config: PlainConfiguration) -> Footprint:
    """The same numbers as of the model that transformers builds from ``config``."""
    hidden, inner, size = config.hidden_size, config.intermediate_size, config.head_dim
    queries = config.num_attention_heads * size
    keys = config.num_key_value_heads * size
    layer = (
        (queries, hidden),
        (keys, hidden),
        (keys, hidden),
        (hidden, queries),
        (inner, hidden),
        (inner, hidden),
        (hidden, inner),
    )
    embeddings = config.vocab_size * hidden * (1 if config.tie_word_embeddings else 2)
    return Footprint(
        plain=embeddings + hidden + config.num_hidden_layers * _unquantized(config),
        linear=layer * config.num_hidden_layers,
        buffers=_FREQUENCY_BUFFERS * size // 2 * BYTES["float32"] + _scale(config),
        cache=2 * keys * config.num_hidden_layers,
        layer_cache=2 * keys,
        hidden=hidden,
        intermediate=inner,
        attention=queries,
        heads=config.num_attention_heads,
        rows=config.vocab_size,
        eager=config.family.eager,
    )


def _scale(config: PlainConfiguration) -> int:
    """Bytes of the scale of the embedding, in the dtype of the configuration."""
    return BYTES[config.dtype or "float32"] if config.family.scaled_embedding else 0


def _unquantized(config: PlainConfiguration) -> int:
    """Parameters of a layer that are no matrices: norms and biases."""
    family, hidden, size = config.family, config.hidden_size, config.head_dim
    queries = config.num_attention_heads * size
    keys = config.num_key_value_heads * size
    count = family.norms * hidden
    if family.head_norms:
        count += 2 * size
    if config.attention_bias if family.biases is None else family.biases:
        count += queries + 2 * keys
    if config.attention_bias and family.biases is None:
        count += hidden
    if config.mlp_bias and config.model_type == "llama":
        count += 2 * config.intermediate_size + hidden
    return count
