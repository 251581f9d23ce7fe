"""Batched forward passes: several texts read in one batch, padded on the left, or one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from app.decoding.kv_cache import make_cache
from app.decoding.language_model import LanguageModel, TransformersLanguageModel
from app.decoding.uncached_model import UncachedLanguageModel
from app.errors import Cancelled

TOKENS_AT_ONCE = 4096
"""Tokens of a prefill chunk, counted over all texts of the batch."""


class BatchModel(Protocol):
    """Reads a batch of texts."""

    def prefill(self, prompts: Sequence[Sequence[int]], cancelled: Callable[[], bool]) -> Tensor:
        """Start a batch with ``prompts``; returns the logits after each of them, [B, V]."""
        ...

    def extend(self, tokens: Tensor) -> Tensor:
        """Extend each text by k ``tokens``, [B, k]; returns the logits after each, [B, k, V]."""
        ...

    def keep(self, rows: Tensor) -> None:
        """Keep only the texts at these indices of the batch, [n]."""
        ...


@runtime_checkable
class BatchingModel(Protocol):
    """A language model of an engine that has batch models of its own."""

    def batch(self) -> BatchModel:
        """A batch model that reads each text as this model does, with KV caches of its own."""
        ...


def batch_model(model: TransformersLanguageModel | BatchingModel) -> BatchModel:
    """A batch model that reads each text as ``model`` does, with KV caches of its own."""
    if not isinstance(model, TransformersLanguageModel):
        return model.batch()
    cached = not isinstance(model, UncachedLanguageModel)
    if (
        cached
        and model.pads_batches
        and "past_key_values" in signature(model.model.forward).parameters
    ):
        return PaddedModel(model.model)
    return SeparateTexts(model.another)


class PaddedModel:
    """Reads several texts in one forward pass, padded on the left.

    Padding is masked and takes no positions, so that the logits of a text are the same as in a
    forward pass of that text alone.

    Args:
        model: The transformers model; other language models may share it.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._device = torch.device("cpu") if model.device.type == "meta" else model.device
        self._takes_positions = "position_ids" in signature(model.forward).parameters
        self._cache: DynamicCache | None = None
        self._mask: Tensor | None = None  # [B, columns read], or None without padding

    def prefill(self, prompts: Sequence[Sequence[int]], cancelled: Callable[[], bool]) -> Tensor:
        """Start a batch with ``prompts``; returns the logits after each of them, [B, V]."""
        self._cache = make_cache(self._model.config)
        lengths = [len(prompt) for prompt in prompts]
        width = max(lengths)
        tokens = torch.zeros((len(prompts), width), dtype=torch.int64)
        mask = torch.zeros_like(tokens)
        for row, prompt in enumerate(prompts):
            tokens[row, width - len(prompt) :] = torch.tensor(prompt)
            mask[row, width - len(prompt) :] = 1
        self._mask = None if min(lengths) == width else mask[:, :0].to(self._device)
        columns = max(1, TOKENS_AT_ONCE // len(prompts))
        for start in range(0, width, columns):
            if cancelled():
                raise Cancelled
            chunk = slice(start, start + columns)
            logits = self._read(tokens[:, chunk], mask[:, chunk], last=1)
        return logits[:, 0]

    def extend(self, tokens: Tensor) -> Tensor:
        """Extend each text by k ``tokens``, [B, k]; returns the logits after each, [B, k, V]."""
        return self._read(tokens, torch.ones_like(tokens), last=tokens.shape[1])

    def keep(self, rows: Tensor) -> None:
        """Keep only the texts at these indices of the batch, [n]."""
        assert self._cache is not None
        rows = rows.to(self._device)
        self._cache.batch_select_indices(rows)
        if self._mask is not None:
            self._mask = self._mask[rows]

    def _read(self, tokens: Tensor, mask: Tensor, last: int) -> Tensor:
        padding = {}
        if self._mask is not None:
            self._mask = torch.cat([self._mask, mask.to(self._device)], 1)
            padding["attention_mask"] = self._mask
            if self._takes_positions:
                positions = (self._mask.cumsum(1) - 1).clamp(min=0)
                padding["position_ids"] = positions[:, -tokens.shape[1] :]
        output = self._model(
            input_ids=tokens.to(self._device),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=last,
            **padding,
        )
        logits: Tensor = output.logits.float()
        return logits


class SeparateTexts:
    """Reads the texts of a batch one after another, for models that cannot read padded texts.

    Args:
        make: Makes the language model of one text.
    """

    def __init__(self, make: Callable[[], LanguageModel]) -> None:
        self._make = make
        self._texts: list[LanguageModel] = []

    def prefill(self, prompts: Sequence[Sequence[int]], cancelled: Callable[[], bool]) -> Tensor:
        """Start a batch with ``prompts``; returns the logits after each of them, [B, V]."""
        self._texts = []
        rows = []
        for prompt in prompts:
            text = self._make()
            for chunk in torch.tensor(prompt).split(TOKENS_AT_ONCE):
                if cancelled():
                    raise Cancelled
                logits = text.extend(chunk)
            self._texts.append(text)
            rows.append(logits)
        return torch.cat(rows)

    def extend(self, tokens: Tensor) -> Tensor:
        """Extend each text by k ``tokens``, [B, k]; returns the logits after each, [B, k, V]."""
        count = tokens.shape[1]
        rows = [text.extend(block, count) for text, block in zip(self._texts, tokens, strict=True)]
        return torch.stack(rows)

    def keep(self, rows: Tensor) -> None:
        """Keep only the texts at these indices of the batch, [n]."""
        self._texts = [self._texts[row] for row in rows.tolist()]
