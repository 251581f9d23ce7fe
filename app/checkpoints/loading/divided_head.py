"""An output layer that is multiplied part by part, for a few tokens at once in float32 on a CPU.

For 4 to 15 rows MKL copies a weight into another order before it multiplies, which takes up to
three times as long as reading it. Parts that stay in the processor's cache are copied there.
Drafts and texts that are decoded side by side are such rows. Measured in docs/performance.md.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

FEW_ROWS = range(4, 16)
"""The numbers of rows for which parts are faster."""
LEAST_OUTPUTS = 16_384
"""Smaller layers stay in the cache anyway."""
PART = 512
"""Outputs of a part."""


class DividedLinear(nn.Linear):
    """A linear layer that is computed part by part for a few rows.

    Args:
        linear: The layer, whose weight and bias are shared.
    """

    def __init__(self, linear: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self.train(linear.training)

    def forward(self, input: Tensor) -> Tensor:
        if input.numel() // self.in_features not in FEW_ROWS:
            return functional.linear(input, self.weight, self.bias)
        parts = [functional.linear(input, part) for part in self.weight.split(PART)]
        output = torch.cat(parts, -1)
        return output if self.bias is None else output.add_(self.bias)


def divide_head(model: PreTrainedModel) -> None:
    """Make ``model`` compute its logits part by part if that is faster."""
    if may_be_divided(model):
        model.set_output_embeddings(DividedLinear(model.get_output_embeddings()))


def may_be_divided(model: PreTrainedModel) -> bool:
    """Whether :func:`divide_head` would change ``model``."""
    head = model.get_output_embeddings()
    return (
        torch.backends.mkl.is_available()
        and not _divides_its_weights(model)
        and type(head) is nn.Linear
        and head.weight.device.type == "cpu"
        and head.weight.dtype is torch.float32
        and head.out_features >= LEAST_OUTPUTS
    )


def _divides_its_weights(model: PreTrainedModel) -> bool:
    """Whether the first forward pass of ``model`` divides weights in place (RWKV).

    With a divided head it would be a copy of the original that shares these weights, and the first
    forward pass of each would divide them.
    """
    return bool(getattr(model.config, "rescale_every", 0) > 0)


def is_divided(model: PreTrainedModel) -> bool:
    """Whether ``model`` computes its logits part by part."""
    return isinstance(model.get_output_embeddings(), DividedLinear)
