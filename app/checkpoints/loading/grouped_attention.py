"""Grouped-query attention without copies of keys and values.

With grouped-query attention (Ainslie et al., GQA, arXiv 2305.13245), several query heads share
one key-value head. For masked attention, which every block of several tokens needs, transformers
repeats keys and values for each query head, and so copies the whole KV cache in every layer.
Here, the query heads of a group become rows of one head for short blocks, so that the cache is
read once. For longer blocks torch's kernel groups the heads itself on a CPU; on CUDA only its
slowest kernel does so with a mask, and they are left to transformers. Measured on a CPU
(docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import unwrap
from types import CodeType, FunctionType
from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from app.decoding.step_sizes import LONGEST

FEW_TOKENS = {"cpu": 4, "cuda": LONGEST}
"""Blocks up to this many tokens are computed as rows of one head, by type of device."""
_OTHERS = "position_bias", "softcap", "cache"
"""Other arguments of attention, which are left to transformers' implementation."""
_PLAIN, _GROUPED = "sdpa", "tuneshift_grouped"


def group_attention(model: PreTrainedModel, on: bool = True) -> None:
    """Make ``model`` use :func:`attend` for attention if it can.

    A model that is on another device than a CPU or CUDA, does not use torch's SDPA kernel, or
    checks for the name of that kernel in its code (Falcon, DeepSeek-V3.2) is left unchanged.
    """
    before, after = (_PLAIN, _GROUPED) if on else (_GROUPED, _PLAIN)
    config = model.config
    if model.device.type not in FEW_TOKENS or config._attn_implementation != before:
        return
    if not _asks_for_kernel(model):
        config._attn_implementation = after


def _asks_for_kernel(model: PreTrainedModel) -> bool:
    """Whether the code of ``model`` checks for the name of torch's kernel."""
    classes = {kind for module in model.modules() for kind in type(module).__mro__}
    methods = [unwrap(each) for kind in classes for each in vars(kind).values() if callable(each)]
    return any(
        _PLAIN in _constants(method.__code__)
        for method in methods
        if isinstance(method, FunctionType) and method.__module__.startswith("transformers.models.")
    )


def _constants(code: CodeType) -> Iterator[object]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _constants(constant)
        elif isinstance(constant, tuple):
            yield from constant
        else:
            yield constant


def may_be_grouped(model: PreTrainedModel) -> bool:
    """Whether :func:`group_attention` would change ``model``."""
    return model.device.type in FEW_TOKENS and model.config._attn_implementation == _PLAIN


def is_grouped(model: PreTrainedModel) -> bool:
    """Whether ``model`` attends by :func:`attend`."""
    return bool(model.config._attn_implementation == _GROUPED)


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers' ``sdpa`` defines it.

    Args:
        module: The attention layer; names how many query heads share a key-value head.
        query: [B, H, k, size].
        key: [B, heads, n, size]; ``value`` likewise.
        attention_mask: [B, 1, k, n] or [B, H, k, n], or None for a plain causal mask.
        dropout: Used in training only.
        scaling: Factor of the attention scores; by default 1 / √size.
        kwargs: Further arguments of transformers.

    Returns:
        The output, [B, k, H, size], and None for the attention weights.
    """
    batch, heads, count, size = query.shape
    groups = heads // key.shape[1]
    plain = count > 1 and attention_mask is None  # a whole prompt: the causal kernel copies nothing
    by_head = attention_mask is not None and attention_mask.shape[1] != 1
    other = any(kwargs.get(name) is not None for name in _OTHERS)
    few = count <= FEW_TOKENS.get(query.device.type, 0)
    if groups == 1 or plain or by_head or other or (not few and query.device.type != "cpu"):
        found: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **kwargs
        )
        return found
    if few:
        query = query.reshape(batch, heads // groups, groups * count, size)
        if attention_mask is not None and count > 1:
            asked = attention_mask.shape[0], groups, count, attention_mask.shape[-1]
            attention_mask = attention_mask.expand(asked).flatten(1, 2)[:, None]
    output = functional.scaled_dot_product_attention(
        query, key, value, attention_mask, scale=scaling, enable_gqa=not few
    )
    return output.reshape(batch, heads, count, value.shape[-1]).transpose(1, 2).contiguous(), None


AttentionInterface.register(_GROUPED, attend)
AttentionMaskInterface.register(_GROUPED, sdpa_mask)
