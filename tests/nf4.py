"""NF4 as its paper defines it: Dettmers et al., QLoRA, arXiv 2305.14314, appendix E."""

from __future__ import annotations

import torch
from torch import Tensor, nn

BLOCK = 64
LEVELS = (
    *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635),
    *(-0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725),
    *(0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941),
    *(0.7229568362236023, 1.0),
)


def in_4_bits(weight: Tensor) -> Tensor:
    """``weight`` rounded to NF4, in blocks of 64 values that share a scale."""
    blocks = weight.float().flatten().view(-1, BLOCK)
    scale = blocks.abs().amax(1, keepdim=True)
    levels = torch.tensor(LEVELS)
    nearest = ((blocks / scale)[..., None] - levels).abs().argmin(-1)
    return (levels[nearest] * scale).view_as(weight).to(weight.dtype)


def round_layers(model: nn.Module) -> None:
    """Round every linear layer but the head, as transformers does."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and name != "lm_head":
            module.weight.data = in_4_bits(module.weight.data)
