"""A language model without a cache: each block costs a forward pass of the whole text."""

from __future__ import annotations

from inspect import signature
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from app.decoding.cache_support import looks_ahead
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.rotary_scaling import forget_scaling, longest_unscaled


def plain_forward(model: PreTrainedModel, tokens: Tensor, last: int) -> Tensor:
    """Logits of the last positions of a text by one forward pass of transformers, without a cache.

    Args:
        model: The transformers model.
        tokens: The whole text, [n], on the device of the model's input.
        last: Number of positions whose logits are returned.

    Returns:
        [last, V], in float32.
    """
    if longest_unscaled(model.config) is not None:
        forget_scaling(model)
    parameters = signature(model.forward).parameters
    options: dict[str, Any] = {"use_cache": False, "logits_to_keep": last}
    output = model(
        input_ids=tokens[None],
        **{name: value for name, value in options.items() if name in parameters},
    )
    logits: Tensor = output.logits[0, -last:].float()
    return logits


class UncachedLanguageModel(TransformersLanguageModel):
    """A :class:`LanguageModel` that keeps the token ids and uses no cache.

    It is for models without a KV cache (GPT-1) and for models whose logits are wrong with theirs.
    """

    def __init__(self, model: PreTrainedModel, context_length: int | None = None) -> None:
        super().__init__(model, context_length)
        self._tokens = torch.empty(0, dtype=torch.int64)

    def another(self) -> UncachedLanguageModel:
        return UncachedLanguageModel(self.model, self.context_length)

    def extend(self, tokens: Tensor, last: int = 1) -> Tensor:
        text = torch.cat([self._tokens, tokens.to(self._tokens.device)])
        whole = text.to(self._device)
        by_prefix = looks_ahead(self.model, len(text))
        ends = range(len(text) - last + 1, len(text) + 1) if by_prefix else [len(text)]
        count = last // len(ends)
        with self.threads.for_block(text.shape[0]):
            rows = [plain_forward(self.model, whole[:end], count) for end in ends]
        self._tokens = text
        self.length = text.shape[0]
        return torch.cat(rows)

    @property
    def can_rewind(self) -> bool:
        return True

    def rewind(self, length: int) -> None:
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot rewind {self.length} tokens to {length}")
        self._tokens = self._tokens[:length]
        self.length = length
