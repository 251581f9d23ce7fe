"""Attention on a CPU that does not copy keys and values for each head that asks the same ones.

Where several query heads have one head of keys and values (Ainslie et al., GQA, arXiv 2305.13245),
transformers repeats these before it attends with a mask, which blocks of several tokens always
need: all of the KV cache is written and read once more for each layer. Here a few tokens ask as so
many rows of one head, so that it is read once; of longer blocks the kernel finds the heads itself.
Measured in docs/performance.md.
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

FEW_TOKENS = 4
"""Up to this many tokens, rows of one head are the faster ones."""
_OTHERS = "position_bias", "softcap", "cache"
"""What transformers may ask for beside the mask; it does, or refuses, it itself."""
_PLAIN, _GROUPED = "sdpa", "tuneshift_grouped"


def group_attention(model: PreTrainedModel, on: bool = True) -> None:
    """Let ``model`` attend by :func:`attend`, or as transformers does.

    A model that is not on a CPU, does not attend by torch's kernel, or asks whether that is the
    kernel in force (Falcon, DeepSeek-V3.2), stays as it is.
    """
    before, after = (_PLAIN, _GROUPED) if on else (_GROUPED, _PLAIN)
    config = model.config
    if model.device.type != "cpu" or config._attn_implementation != before:
        return
    if not _asks_for_kernel(model):
        config._attn_implementation = after


def _asks_for_kernel(model: PreTrainedModel) -> bool:
    """Whether code of ``model`` names torch's kernel and so would behave otherwise under ours."""
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
    return model.device.type == "cpu" and model.config._attn_implementation == _PLAIN


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
        module: Knows how many query heads share a head of keys and values.
        query: [B, H, k, size].
        key: [B, heads, n, size]; ``value`` likewise.
        attention_mask: [B, 1, k, n] or [B, H, k, n], or None where nothing is masked but what a
            prompt's tokens have before them.
        dropout: Of training, which does not happen here.
        scaling: Of the scores; by default 1 / √size.
        kwargs: What else transformers passes on.

    Returns:
        [B, k, H, size], and no weights.
    """
    batch, heads, count, size = query.shape
    groups = heads // key.shape[1]
    plain = count > 1 and attention_mask is None  # a whole prompt: its kernel copies nothing
    by_head = attention_mask is not None and attention_mask.shape[1] != 1
    other = any(kwargs.get(name) is not None for name in _OTHERS)
    if groups == 1 or plain or by_head or other:
        found: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **kwargs
        )
        return found
    few = count <= FEW_TOKENS
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
