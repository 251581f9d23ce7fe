"""The context length of a model, from its configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_NAMES = "max_position_embeddings", "max_target_positions", "max_seq_len"
"""Attributes of configurations that hold the limit; transformers maps other names to these."""
COUNTED_FROM_PADDING = frozenset(
    [
        "camembert",
        "data2vec-text",
        "prophetnet",
        "roberta",
        "roberta-prelayernorm",
        "xlm-roberta",
        "xlm-roberta-xl",
        "xmod",
    ]
)
"""Model types whose positions start at the padding id + 1; the rows before are not used."""
_SCALING = "yarn", "linear", "dynamic"
"""Types of rotary scaling that the limit of a configuration may or may not include.

With ``llama3`` and ``longrope`` it is always included.
"""


def context_limit(config: Any, tokenizer_limit: int | None = None) -> int | None:
    """The maximum number of tokens for a model of ``config``, or None without a limit.

    Args:
        config: A configuration of transformers.
        tokenizer_limit: ``model_max_length`` of the tokenizer. It decides whether the limit of the
            configuration includes rotary scaling, if that is ambiguous.
    """
    text = config.get_text_config(decoder=True)
    if getattr(text, "alibi", False) is True:  # a bias on distance; any length can be read
        return None
    named = next((value for name in _NAMES if (value := getattr(text, name, None))), None)
    if not isinstance(named, int) or named <= 0:
        return None
    if text.model_type in COUNTED_FROM_PADDING:
        named -= (text.pad_token_id or 0) + 1
    if text.model_type == "prophetnet":  # its n-gram stream looks one position ahead
        named -= 1
    scaled = max((int(length) for length in _scaled(text, named)), default=named)
    if tokenizer_limit and named <= tokenizer_limit < scaled:
        return tokenizer_limit
    return max(named, scaled)


def rotary_parameters(text: Any) -> list[Mapping[str, Any]]:
    """Parameters of the rotary embeddings of a text model, one table for each layer type."""
    parameters = getattr(text, "rope_parameters", None) or {}
    by_layer_type = [value for value in parameters.values() if isinstance(value, Mapping)]
    return by_layer_type or [parameters]


def _scaled(text: Any, named: int) -> Iterator[float]:
    """Context lengths that result from rotary scaling."""
    rotary = rotary_parameters(text)
    for parameters in rotary:
        factor = parameters.get("factor")
        original = parameters.get("original_max_position_embeddings")
        if parameters.get("rope_type") not in _SCALING or not isinstance(factor, int | float):
            continue
        if original or len(rotary) == 1:  # unambiguous with parameters by layer type
            yield (original or named) * factor
