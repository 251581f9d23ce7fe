"""A language model whose rotary embeddings depend on the length of the text.

Keys in the KV cache were rotated with the factors of a shorter text and become wrong when the
factors change. This model then recomputes the cache, so that each row of logits is that of one
forward pass of the text up to that position.
"""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import PreTrainedModel

from app.decoding.context_limit import rotary_parameters
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.rotary_scaling import forget_scaling, longest_unscaled
from app.decoding.uncached_model import plain_forward


class RescaledLanguageModel(TransformersLanguageModel):
    """A :class:`LanguageModel` over a model for which :func:`longest_unscaled` is not None.

    Texts up to that length use a KV cache. Longer texts do too if they share one set of factors
    (longrope); if the factors depend on the exact length (dynamic NTK), each further token costs a
    forward pass of the whole text.

    Args:
        model: The transformers model.
        context_length: A limit of tokens below the model's own, or None.
        reads_blocks: Whether several tokens may be read in one forward pass.
        rewinds: Whether the cache may be shortened to other lengths than 0.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        context_length: int | None = None,
        *,
        reads_blocks: bool = True,
        rewinds: bool = True,
    ) -> None:
        super().__init__(model, context_length, reads_blocks=reads_blocks, rewinds=rewinds)
        self._unscaled = longest_unscaled(model.config) or 0
        rotary = rotary_parameters(model.config.get_text_config(decoder=True))
        self._scaled_by_length = any(layer.get("rope_type") == "dynamic" for layer in rotary)
        self._text = torch.empty(0, dtype=torch.int64)
        self._cached = TransformersLanguageModel(
            model, context_length, reads_blocks=reads_blocks, rewinds=rewinds
        )
        self._cached_is_scaled = False
        self.pads_batches = False

    def another(self) -> RescaledLanguageModel:
        return RescaledLanguageModel(
            self.model, self.context_length, reads_blocks=self._reads_blocks, rewinds=self._rewinds
        )

    def extend(self, tokens: Tensor, last: int = 1) -> Tensor:
        self._text = torch.cat([self._text, tokens.to(self._text.device)])
        self.length = self._text.shape[0]
        first = self.length - last + 1
        rows = []
        if first <= self._unscaled:
            end = min(self.length, self._unscaled)
            rows.append(self._read_cached(end, end - first + 1, scaled=False))
        first = max(first, self._unscaled + 1)
        if self._scaled_by_length:
            rows += [self._recompute(end) for end in range(first, self.length + 1)]
        elif first <= self.length:
            rows.append(self._read_cached(self.length, self.length - first + 1, scaled=True))
        return torch.cat(rows)

    @property
    def can_rewind(self) -> bool:
        return self._cached.can_rewind

    def rewind(self, length: int) -> None:
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot rewind {self.length} tokens to {length}")
        self._cached.rewind(min(length, self._cached.length))
        self._text = self._text[:length]
        self.length = length

    def _read_cached(self, end: int, last: int, *, scaled: bool) -> Tensor:
        """Logits of the ``last`` positions before ``end``, with scaled or unscaled factors."""
        if scaled != self._cached_is_scaled:
            self._cached.rewind(0)
            self._cached_is_scaled = scaled
        if self._cached.length > end - last:
            self._cached.rewind(end - last if self._cached.can_rewind else 0)
        forget_scaling(self.model)
        return self._cached.extend(self._text[self._cached.length : end], last)

    def _recompute(self, end: int) -> Tensor:
        """Logits of the position before ``end``, by a forward pass of the text up to there."""
        with self.threads.for_block(end):
            return plain_forward(self.model, self._text[:end].to(self._device), 1)
