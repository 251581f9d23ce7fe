"""How many tokens a model can read, from its configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_NAMES = "max_position_embeddings", "max_target_positions", "max_seq_len"
"""What configurations call the limit; transformers maps other names to these."""
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
"""Model types whose table of positions begins with rows up to the padding id, for no token."""
_SCALING = "yarn", "linear", "dynamic"
"""Rotary embeddings that stretch positions and may not be counted in the limit yet.

Where the type is ``llama3`` or ``longrope``, the configuration's limit is the longer one.
"""


def context_limit(config: Any, tokenizer_limit: int | None = None) -> int | None:
    """The most tokens that a model of ``config`` can read, or None where it names no limit.

    Args:
        config: A configuration of transformers.
        tokenizer_limit: ``model_max_length`` of the tokenizer. It decides where a configuration
            may or may not have counted in its limit that rotary embeddings are scaled.
    """
    text = config.get_text_config(decoder=True)
    if getattr(text, "alibi", False) is True:  # a distance counts less and less, without an end
        return None
    named = next((value for name in _NAMES if (value := getattr(text, name, None))), None)
    if not isinstance(named, int) or named <= 0:
        return None
    if text.model_type in COUNTED_FROM_PADDING:
        named -= (text.pad_token_id or 0) + 1
    if text.model_type == "prophetnet":  # which looks one position ahead besides
        named -= 1
    scaled = max((int(length) for length in _scaled(text, named)), default=named)
    if tokenizer_limit and named <= tokenizer_limit < scaled:
        return tokenizer_limit
    return max(named, scaled)


def rotary_parameters(text: Any) -> list[Mapping[str, Any]]:
    """Parameters of the rotary embeddings of a text model; of each kind of its layers."""
    found = getattr(text, "rope_parameters", None) or {}
    nested = [each for each in found.values() if isinstance(each, Mapping)]
    return nested or [found]


def _scaled(text: Any, named: int) -> Iterator[float]:
    """Contexts that scaled rotary embeddings are made for."""
    rotary = rotary_parameters(text)
    for parameters in rotary:
        factor = parameters.get("factor")
        original = parameters.get("original_max_position_embeddings")
        if parameters.get("rope_type") not in _SCALING or not isinstance(factor, int | float):
            continue
        if original or len(rotary) == 1:  # parameters for kinds of layers came after such doubts
            yield (original or named) * factor
