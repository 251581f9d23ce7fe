"""The footprint of any model that transformers has, from its configuration.

The model is built on torch's meta device, where tensors have shapes and no storage. Tied weights
and linear modules are therefore read from the model itself, not guessed from names.
"""

from __future__ import annotations

import logging

import torch
from torch import nn
from transformers import AutoModelForCausalLM, PretrainedConfig, PreTrainedModel
from transformers.cache_utils import get_layer_types_and_kwargs
from transformers.initialization import no_init_weights
from transformers.pytorch_utils import Conv1D
from transformers.quantizers.base import get_keys_to_not_convert
from transformers.quantizers.quantizers_utils import should_convert_module

from app.checkpoints.formats.gguf_llama_config import LlamaCppConfig
from app.checkpoints.memory.footprint import Footprint

log = logging.getLogger(__name__)

_LAYERS_WITHOUT_CACHE = ("dummy", "conv", "linear_attention", "mamba")  # their state does not grow


def measure_footprint(config: PretrainedConfig) -> Footprint:
    """Build the model of ``config`` without its weights and measure it.

    Raises:
        ValueError: transformers has no causal language model for ``config``.
    """
    if isinstance(config, LlamaCppConfig):
        return _footprint_of_gguf(config)
    with torch.device("meta"), no_init_weights():
        model: PreTrainedModel = AutoModelForCausalLM.from_config(config)
    text = model.config.get_text_config(decoder=True)
    linear = _quantizable(model)
    cache = _cache_of_layers(text)
    output = model.get_output_embeddings()
    hidden = _largest(text, "hidden_size")
    heads = _largest(text, "num_attention_heads")
    return Footprint(
        plain=_parameters(model) - sum(rows * columns for rows, columns in linear),
        linear=linear,
        buffers=sum(buffer.nbytes for buffer in model.buffers()),
        cache=sum(cache or _full_width_cache(model, hidden)),
        layer_cache=max(cache or _full_width_cache(model, hidden), default=0),
        hidden=hidden,
        intermediate=_largest(text, "intermediate_size", "n_inner", "ffn_dim") or 4 * hidden,
        attention=heads * _head_size(text, heads),
        heads=heads,
        rows=int(output.weight.shape[0] if output else text.vocab_size),
        eager=getattr(model.config, "_attn_implementation", "") == "eager",
        cache_known=cache is not None,
    )


def _footprint_of_gguf(config: LlamaCppConfig) -> Footprint:
    return Footprint(
        plain=config.parameters,
        linear=(),
        buffers=0,
        cache=config.cache_elements,
        layer_cache=config.cache_elements,
        hidden=config.hidden_size,
        intermediate=config.intermediate_size,
        attention=config.num_attention_heads * config.head_dim,
        heads=config.num_attention_heads,
        rows=config.vocab_size,
        eager=False,
    )


def _quantizable(model: PreTrainedModel) -> tuple[tuple[int, int], ...]:
    """Rows and columns of the layers that bitsandbytes replaces: no tied and no output layers."""
    kept = get_keys_to_not_convert(model)
    return tuple(
        (module.weight.shape[1], module.weight.shape[0])
        if isinstance(module, Conv1D)
        else (module.weight.shape[0], module.weight.shape[1])
        for name, module in model.named_modules()
        if (type(module) is nn.Linear or isinstance(module, Conv1D))
        and should_convert_module(name, kept)
    )


def _parameters(model: PreTrainedModel) -> int:
    tied = model.all_tied_weights_keys  # not counted twice
    return sum(
        parameter.numel() for name, parameter in model.named_parameters() if name not in tied
    )


def _cache_of_layers(text: PretrainedConfig) -> list[int] | None:
    """Elements of keys and values of one token in each layer; None if it cannot be determined."""
    try:
        types, _ = get_layer_types_and_kwargs(text)
        return [
            0
            if kind in _LAYERS_WITHOUT_CACHE
            else _keys_and_values(layer, index) + _index_keys(kind, layer)
            for index, (kind, layer) in enumerate(zip(types, text.per_layer_config, strict=True))
        ]
    except Exception as error:  # configurations have no common names for these values
        log.info("the KV cache cannot be counted", exc_info=error)
        return None


def _full_width_cache(model: PreTrainedModel, hidden: int) -> list[int]:
    """Elements per token and layer for keys and values of full width, usually an upper bound."""
    lists = (len(module) for module in model.modules() if isinstance(module, nn.ModuleList))
    return [2 * hidden] * max(lists, default=0)


def _keys_and_values(layer: PretrainedConfig, index: int) -> int:
    latent = getattr(layer, "kv_lora_rank", None)
    if latent:  # multi-head latent attention: one latent vector and one rotary key
        return int(latent + layer.qk_rope_head_dim)
    heads = _number(layer, index, "num_attention_heads")
    return 2 * _key_value_heads(layer, index, heads) * _head_size(layer, heads, index)


def _index_keys(kind: str, layer: PretrainedConfig) -> int:
    """Keys of the indexer of a sparse attention layer, which selects the tokens to attend to."""
    return _number(layer, None, "index_head_dim", "indexer_head_dim") if "index" in kind else 0


def _key_value_heads(layer: PretrainedConfig, index: int, heads: int) -> int:
    if getattr(layer, "new_decoder_architecture", False):
        return heads  # Falcon caches keys after repeating them for all heads
    if getattr(layer, "multi_query", False):
        return 1
    return _number(layer, index, "num_key_value_heads", "num_kv_heads") or heads


def _head_size(layer: PretrainedConfig, heads: int, index: int | None = None) -> int:
    if getattr(layer, "kv_lora_rank", None):
        return int(layer.qk_nope_head_dim + layer.qk_rope_head_dim)
    named = _number(layer, index, "head_dim")
    return named or _number(layer, index, "hidden_size") // max(1, heads)


def _largest(config: PretrainedConfig, *names: str) -> int:
    """The largest value of any layer under the first of ``names`` that ``config`` has, or 0."""
    return _number(config, None, *names)


def _number(config: PretrainedConfig, index: int | None, *names: str) -> int:
    """The value under the first of ``names`` that ``config`` has, or 0.

    Args:
        config: The configuration of a model or of one layer.
        index: The index of the layer, if there is a value per layer; None for the largest.
        names: The names that different models use.
    """
    for name in names:
        numbers = _numbers(config, name)
        if numbers:
            if index is not None and index < len(numbers):
                return numbers[index]
            return max(numbers)
    return 0


def _numbers(config: PretrainedConfig, name: str) -> list[int]:
    """A value as a list: one number for all layers, or one number for each layer."""
    try:
        found = getattr(config, name, None)
    except Exception:  # raised if the value differs between layers
        layers = config.per_layer_config
        found = [getattr(layer, name, None) for layer in layers]
    listed = found if isinstance(found, list | tuple) else [found]
    return [int(each) for each in listed if isinstance(each, int | float) and each]
