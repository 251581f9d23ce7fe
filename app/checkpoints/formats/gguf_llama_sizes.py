"""Configurations of GGUF files whose architecture only llama.cpp reads, from their keys.

They have the sizes that the program needs to compare vocabularies and to estimate memory. What the
model computes is for llama.cpp alone to know.
"""

from __future__ import annotations

import math
from typing import Any

from app.checkpoints.formats.gguf_header import Contents
from app.checkpoints.formats.gguf_keys import Keys
from app.checkpoints.formats.gguf_metadata import UnusableError

MODEL_TYPE = "llama.cpp"
"""The ``model_type`` of these configurations, of which transformers has none."""
_MOST_LAYERS = 4096
_ANOTHER = "Choose the file of a model that continues a text token by token."


def llama_configuration(contents: Contents) -> dict[str, Any]:
    """The attributes of a ``LlamaCppConfig``.

    ``cache_elements`` are the keys and values of a token in all layers, of which layers with a
    recurrent state have none; ``parameters`` is the number of stored numbers.

    Raises:
        UnusableError: A size is missing or impossible, or the model does not continue texts.
    """
    keys = Keys(contents)
    _check_causal(keys)
    layers, hidden = keys.whole("block_count"), keys.whole("embedding_length")
    if layers > _MOST_LAYERS:
        raise UnusableError(f"it has {layers:,} layers")
    heads = _of_layers(keys, "attention.head_count", layers, [0] * layers)
    groups = _of_layers(keys, "attention.head_count_kv", layers, heads)
    size = hidden // max(1, *heads)
    keys_of_head, values_of_head = (
        keys.whole(f"attention.{kind}_length", size) for kind in ("key", "value")
    )
    return {
        "model_type": MODEL_TYPE,
        "architecture": contents.architecture,
        "vocab_size": contents.rows,
        "hidden_size": hidden,
        "intermediate_size": max(_of_layers(keys, "feed_forward_length", layers, [0])),
        "num_hidden_layers": layers,
        "num_attention_heads": max(heads),
        "head_dim": keys_of_head,
        "max_position_embeddings": keys.whole("context_length"),
        "cache_elements": sum(groups) * (keys_of_head + values_of_head),
        "parameters": sum(math.prod(tensor.shape) for tensor in contents.tensors.values()),
    }


def _check_causal(keys: Keys) -> None:
    if keys.use("attention.causal") is False:
        raise UnusableError("its tokens attend to those after them", _ANOTHER)
    if keys.use("pooling_type") not in (None, 0):
        raise UnusableError("it turns a text into one vector", _ANOTHER)


def _of_layers(keys: Keys, key: str, layers: int, default: list[int]) -> list[int]:
    """The values of all layers under a key that has one for each, or one for all."""
    if key not in keys:
        return default
    if not keys.is_list(key):
        return [keys.whole(key, least=0)] * layers
    found = keys.wholes(key)
    if len(found) < layers or min(found) < 0:
        raise UnusableError(f"its key “{key}” is not for {layers} layers")
    return found[:layers]
