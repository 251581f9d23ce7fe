"""Batches of llama.cpp: several texts in one context, read in the same forward passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.decoding.cache_state import CacheState
from app.decoding.llama_cpp.llama_context import (
    MOST_TEXTS,
    OUTPUTS,
    ContextOptions,
    LlamaContext,
    capacity_for,
)
from app.decoding.llama_cpp.llama_state import LlamaState
from app.decoding.llama_cpp.llama_weights import LlamaCppWeights
from app.errors import Cancelled, ModelError

_FIRST_TEXTS = 4
"""Texts of the first context; for more, the texts move to one of twice as many."""


class LlamaBatch:
    """A :class:`app.decoding.batch_model.OpenBatchModel` over weights of llama.cpp.

    All texts are in one context, and share its KV cache. No lock of Python is held while it
    computes.

    Args:
        weights: The weights; language models may share them.
        context_length: The longest text, or None. Tokens beyond it, which pad a batch of texts of
            different lengths, are not read, and their rows are 0.
        options: How it computes.
    """

    def __init__(
        self, weights: LlamaCppWeights, context_length: int | None, options: ContextOptions
    ) -> None:
        self._weights = weights
        self._limit = context_length
        self._options = options
        self._context: LlamaContext | None = None
        self._places: list[int] = []  # the number of each text in the context
        self._lengths: list[int] = []

    def prefill(self, prompts: Sequence[Sequence[int]], cancelled: Callable[[], bool]) -> Tensor:
        """Start a batch with ``prompts``; returns the logits after each of them, [B, V]."""
        self.keep(torch.empty(0, dtype=torch.int64))
        context = self._with_room(len(prompts), sum(map(len, prompts)))
        self._places = list(range(len(prompts)))
        tokens = np.concatenate([np.asarray(prompt, np.int32) for prompt in prompts])
        lengths = [len(prompt) for prompt in prompts]
        positions = np.concatenate([np.arange(length, dtype=np.int32) for length in lengths])
        texts = np.repeat(np.array(self._places, np.int32), lengths)
        outputs = np.zeros(len(tokens), np.bool_)
        outputs[np.cumsum(lengths) - 1] = True
        self._lengths = lengths
        rows = []
        for start in range(0, len(tokens), context.block):
            if cancelled():
                raise Cancelled
            part = slice(start, start + context.block)
            rows.append(context.read(tokens[part], positions[part], outputs[part], texts[part]))
        return torch.cat(rows)

    def extend(self, tokens: Tensor) -> Tensor:
        """Extend each text by k ``tokens``, [B, k]; returns the logits after each, [B, k, V]."""
        context = self._with_room(len(self._places), sum(self._lengths) + tokens.numel())
        columns = max(1, OUTPUTS // tokens.shape[0])
        return torch.cat([self._read(context, part) for part in tokens.split(columns, 1)], 1)

    def keep(self, rows: Tensor) -> None:
        """Keep only the texts at these indices of the batch, [n], and free what others held."""
        kept = rows.tolist()
        for place in {*self._places} - {self._places[row] for row in kept}:
            self._forget(place)
        self._places = [self._places[row] for row in kept]
        self._lengths = [self._lengths[row] for row in kept]

    def join(self, ids: Sequence[int], state: CacheState | None) -> None:
        """Append a text to the batch; its tokens are read again if the state is of no use."""
        held = state if isinstance(state, LlamaState) and not state.whole else None
        most = len(ids) if held is None else max(len(ids), held.held)
        context = self._with_room(len(self._places) + 1, sum(self._lengths) + most)
        place = min({*range(context.texts)} - {*self._places})
        try:
            if held is None or not context.put(held.data, place):
                self._read_alone(context, np.array(ids, np.int32), place)
            elif held.held > len(ids) and not context.shorten(len(ids), place):
                raise _unmovable(self._weights)
        except BaseException:
            self._forget(place)
            raise
        self._places.append(place)
        self._lengths.append(len(ids))

    def state(self, row: int) -> CacheState | None:
        """A copy of the cache of one text; None where it lacks what a window has left behind."""
        if self._weights.window:
            return None
        assert self._context is not None
        data, length = self._context.state(self._places[row]), self._lengths[row]
        return LlamaState(data, length, length, self._weights.rewinds)

    def _read(self, context: LlamaContext, tokens: Tensor) -> Tensor:
        """Read some tokens of each text, [B, k]; their rows, [B, k, V]."""
        shape = tuple(tokens.shape)
        columns = np.arange(shape[1], dtype=np.int32)
        positions = (np.array(self._lengths, np.int32)[:, None] + columns).ravel()
        texts = np.repeat(np.array(self._places, np.int32), shape[1])
        read = positions < (2**31 - 1 if self._limit is None else self._limit)
        ids = tokens.numpy().astype(np.int32).ravel()[read]
        rows = torch.zeros((read.size, self._weights.vocabulary_size))
        if ids.size:
            outputs = np.full(ids.size, True)
            rows[torch.from_numpy(read)] = context.read(ids, positions[read], outputs, texts[read])
        added = read.reshape(shape).sum(1).tolist()
        self._lengths = [held + new for held, new in zip(self._lengths, added, strict=True)]
        return rows.view(*shape, -1)

    def _read_alone(self, context: LlamaContext, ids: NDArray[np.int32], place: int) -> None:
        positions = np.arange(len(ids), dtype=np.int32)
        texts = np.full(len(ids), place, np.int32)
        for start in range(0, len(ids), context.block):
            part = slice(start, start + context.block)
            nothing = np.zeros(len(ids[part]), np.bool_)
            context.read(ids[part], positions[part], nothing, texts[part])

    def _forget(self, place: int) -> None:
        if self._context is not None:
            self._context.shorten(0, place)

    def _with_room(self, texts: int, tokens: int) -> LlamaContext:
        """A context for so many texts and tokens, with those that are held."""
        held = self._context
        if held is not None and texts <= held.texts and tokens <= held.capacity:
            return held
        slots = max(_FIRST_TEXTS, 0 if held is None else held.texts)
        while slots < texts:
            slots *= 2
        if texts > MOST_TEXTS:
            raise ModelError(
                f"llama.cpp reads at most {MOST_TEXTS} texts in one batch",
                evidence=f"{texts:,} texts",
                next_step="Choose a smaller batch size.",
            )
        capacity = capacity_for(tokens, None)
        larger = LlamaContext(self._weights, capacity, self._options, slots)
        for place in self._places:
            assert held is not None
            if not larger.put(held.state(place), place):
                raise _unmovable(self._weights)
        self._context = larger
        return larger


def _unmovable(weights: LlamaCppWeights) -> ModelError:
    return ModelError(
        "llama.cpp cannot move a text to another KV cache",
        evidence=weights.description,
        next_step="Generate again; the text is read anew.",
    )
