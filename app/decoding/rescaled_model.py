"""A language model whose rotary embeddings are scaled by how long the text is.

Keys that were computed before the factors change would stay as they were. Here each row is that of
a forward pass of the text up to it: where the factors change, what was read is read again.
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
    """A :class:`LanguageModel` over a model for which :func:`longest_unscaled` names a length.

    Up to that length a KV cache is kept, and past it too where there are only two sets of factors.
    Where every length has its own, each token after it costs a forward pass of the whole text.

    Args:
        model: What to evaluate.
        context_length: The most tokens to read, where that is fewer than the model can.
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
        self._always_other = any(each.get("rope_type") == "dynamic" for each in rotary)
        self._text = torch.empty(0, dtype=torch.int64)
        self._held = TransformersLanguageModel(
            model, context_length, reads_blocks=reads_blocks, rewinds=rewinds
        )
        self._held_scaled = False
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
            rows.append(self._read_held(end, end - first + 1, scaled=False))
        first = max(first, self._unscaled + 1)
        if self._always_other:
            rows += [self._read_anew(end) for end in range(first, self.length + 1)]
        elif first <= self.length:
            rows.append(self._read_held(self.length, self.length - first + 1, scaled=True))
        return torch.cat(rows)

    @property
    def can_rewind(self) -> bool:
        return self._held.can_rewind

    def rewind(self, length: int) -> None:
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot rewind {self.length} tokens to {length}")
        self._held.rewind(min(length, self._held.length))
        self._text = self._text[:length]
        self.length = length

    def _read_held(self, end: int, last: int, *, scaled: bool) -> Tensor:
        """Rows of the ``last`` tokens before ``end``, with the factors of short or long texts."""
        if scaled != self._held_scaled:
            self._held.rewind(0)
            self._held_scaled = scaled
        if self._held.length > end - last:
            self._held.rewind(end - last if self._held.can_rewind else 0)
        forget_scaling(self.model)
        return self._held.extend(self._text[self._held.length : end], last)

    def _read_anew(self, end: int) -> Tensor:
        with self._threads.for_block(end):
            return plain_forward(self.model, self._text[:end].to(self._device), 1)
