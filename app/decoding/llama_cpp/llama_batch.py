"""Batches of llama.cpp: several texts in one context, read in the same forward passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from app.decoding.llama_cpp.llama_context import (
    OUTPUTS,
    ContextOptions,
    LlamaContext,
    capacity_for,
)
from app.decoding.llama_cpp.llama_weights import LlamaCppWeights
from app.errors import Cancelled, ModelError


class LlamaBatch:
    """A :class:`app.decoding.batch_model.BatchModel` over weights of llama.cpp.

    Each text has a KV cache of its own in one context. No lock of Python is held while it computes.

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
        self._places: list[int] = []
        self._lengths: list[int] = []

    def prefill(self, prompts: Sequence[Sequence[int]], cancelled: Callable[[], bool]) -> Tensor:
        """Start a batch with ``prompts``; returns the logits after each of them, [B, V]."""
        lengths = np.array([len(prompt) for prompt in prompts])
        context = self._begin(len(prompts), int(lengths.max()))
        tokens = np.concatenate([np.asarray(prompt, np.int32) for prompt in prompts])
        positions = np.concatenate([np.arange(length, dtype=np.int32) for length in lengths])
        texts = np.repeat(np.arange(len(prompts), dtype=np.int32), lengths)
        outputs = np.zeros(len(tokens), np.bool_)
        outputs[lengths.cumsum() - 1] = True
        rows = []
        for start in range(0, len(tokens), context.block):
            if cancelled():
                raise Cancelled
            part = slice(start, start + context.block)
            rows.append(context.read(tokens[part], positions[part], outputs[part], texts[part]))
        self._lengths = lengths.tolist()
        return torch.cat(rows)

    def extend(self, tokens: Tensor) -> Tensor:
        """Extend each text by k ``tokens``, [B, k]; returns the logits after each, [B, k, V]."""
        context = self._with_room(max(self._lengths) + tokens.shape[1])
        columns = max(1, OUTPUTS // tokens.shape[0])
        return torch.cat([self._read(context, part) for part in tokens.split(columns, 1)], 1)

    def keep(self, rows: Tensor) -> None:
        """Keep only the texts at these indices of the batch, [n], none of them twice."""
        assert self._context is not None
        kept = rows.tolist()
        for place in {*self._places} - {self._places[row] for row in kept}:
            self._context.shorten(0, place)
        self._places = [self._places[row] for row in kept]
        self._lengths = [self._lengths[row] for row in kept]

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

    def _begin(self, texts: int, longest: int) -> LlamaContext:
        """A context for a batch, in which no text holds anything."""
        self._places, self._lengths = list(range(texts)), [0] * texts
        context = self._context
        if context is not None and context.texts >= texts and context.capacity > longest:
            for place in range(context.texts):
                context.shorten(0, place)
            return context
        self._context = None  # its memory is free before the other is made
        self._context = LlamaContext(
            self._weights, capacity_for(longest + 1, self._limit), self._options, texts
        )
        return self._context

    def _with_room(self, length: int) -> LlamaContext:
        """The context, whose texts can have ``length`` tokens; a larger one if need be."""
        held = self._context
        assert held is not None
        length = length if self._limit is None else min(length, self._limit)
        if length <= held.capacity:
            return held
        states = {place: held.state(place) for place in self._places}
        texts = held.texts  # a state fits only into a context for as many texts
        self._context = held = None
        larger = LlamaContext(
            self._weights, capacity_for(length, self._limit), self._options, texts
        )
        for place, state in states.items():
            if not larger.put(state, place):
                raise ModelError(
                    "llama.cpp cannot move a batch to a larger KV cache",
                    evidence=f"{texts:,} texts, {length:,} tokens",
                    next_step="Evaluate with a smaller batch size.",
                )
        self._context = larger
        return larger
