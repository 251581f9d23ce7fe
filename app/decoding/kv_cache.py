"""A KV cache that grows in blocks and keeps every token, so that it can be rewound."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

from torch import Tensor
from transformers import DynamicCache, PretrainedConfig
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

BLOCK = 256
"""Tokens by which a layer grows; growing by single tokens would copy the layer for each."""


class GrowingLayer(DynamicLayer):
    """Keys and values of one layer, [B, heads, n, size], as views of a longer buffer."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self._buffers: tuple[Tensor, Tensor] | None = None

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Append states of [B, heads, k, size] and return all states that may be attended to."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        assert self.keys is not None
        assert self.values is not None
        start = self.keys.shape[-2] if self.keys.numel() else 0
        end = start + key_states.shape[-2]
        if self._buffers is None or end > self._buffers[0].shape[-2]:
            self._buffers = (
                _grown(self.keys, key_states, end),
                _grown(self.values, value_states, end),
            )
        keys, values = (buffer[..., :end, :] for buffer in self._buffers)
        keys[..., start:, :] = key_states
        values[..., start:, :] = value_states
        self.keys, self.values = keys, values
        return keys, values

    def reset(self) -> None:
        super().reset()
        self._buffers = None

    def keep_rows(self, rows: Tensor, unused: int) -> None:
        """Keep the texts at these indices of the batch without the first ``unused`` columns."""
        assert self.keys is not None
        assert self.values is not None
        self._hold(self.keys[rows, :, unused:], self.values[rows, :, unused:])

    def cut(self, texts: int, columns: int) -> None:
        """Keep only the first texts of the batch, and their last columns."""
        if self.keys is not None and self.values is not None and self.keys.numel():
            first = self.keys.shape[-2] - columns
            self._hold(self.keys[:texts, :, first:], self.values[:texts, :, first:])

    def join(self, keys: Tensor, values: Tensor) -> None:
        """Append a text, [1, heads, n, size], to the batch; what is shorter is padded with 0.

        The last columns of all texts are aligned. An empty layer begins with the text.
        """
        if not self.is_initialized:
            self.lazy_initialization(keys, values)
        assert self.keys is not None
        assert self.values is not None
        self._hold(_joined(self.keys, keys), _joined(self.values, values))

    def _hold(self, keys: Tensor, values: Tensor) -> None:
        """Hold other keys and values; the next update makes buffers for them."""
        self.keys, self.values, self._buffers = keys, values, None

    def copy(self, length: int) -> Self:
        """A layer with a copy of the first ``length`` tokens."""
        other = copy(self)
        if self.keys is not None and self.values is not None and self.keys.numel():
            first = [held[..., :length, :] for held in (self.keys, self.values)]
            keys, values = (_grown(held, held, length) for held in first)
            other._buffers = keys, values
            other.keys, other.values = keys[..., :length, :], values[..., :length, :]
        return other


class GrowingSlidingLayer(GrowingLayer, DynamicSlidingWindowLayer):
    """A growing layer with sliding-window attention: returns the window and keeps every token.

    Args:
        sliding_window: Number of tokens that a token attends to, itself included.
    """

    def __init__(self, sliding_window: int) -> None:
        super().__init__(sliding_window=sliding_window)

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        keys, values = super().update(key_states, value_states)
        self.cumulative_length = keys.shape[-2]
        visible = self.sliding_window - 1 + key_states.shape[-2]  # as get_mask_sizes promises
        return keys[..., -visible:, :], values[..., -visible:, :]

    def crop(self, tokens_to_remove: int) -> None:
        DynamicLayer.crop(self, tokens_to_remove)
        self.cumulative_length += tokens_to_remove

    def _hold(self, keys: Tensor, values: Tensor) -> None:
        super()._hold(keys, values)
        self.cumulative_length = keys.shape[-2]

    def copy(self, length: int) -> Self:
        other = super().copy(length)
        other.cumulative_length = min(length, self.cumulative_length)
        return other


def make_cache(config: PretrainedConfig) -> DynamicCache:
    """An empty cache for the model of ``config``.

    Layers with full and sliding-window attention grow in blocks; others are those of transformers.
    """
    cache = DynamicCache(config=config)
    cache.layers = [_growing(layer) for layer in cache.layers]
    # Decoders of models that had an encoder may have more layers than ``num_hidden_layers`` says.
    cache.layer_class_to_replicate = GrowingLayer
    # Recurrent layers keep what a rewind needs only if asked to.
    cache.activate_past_recording()
    return cache


def _growing(layer: Any) -> Any:
    if type(layer) is DynamicLayer:
        return GrowingLayer()
    if type(layer) is DynamicSlidingWindowLayer:
        return GrowingSlidingLayer(layer.sliding_window)
    return layer


def _joined(held: Tensor, text: Tensor) -> Tensor:
    """One text below others, [B + 1, heads, columns, size], in memory of its own."""
    if not held.numel():
        return text.clone()
    columns = max(held.shape[-2], text.shape[-2])
    joined = held.new_zeros((held.shape[0] + 1, *held.shape[1:-2], columns, held.shape[-1]))
    joined[:-1, ..., columns - held.shape[-2] :, :] = held
    joined[-1:, ..., columns - text.shape[-2] :, :] = text
    return joined


def _grown(held: Tensor, states: Tensor, tokens: int) -> Tensor:
    """A buffer for at least ``tokens`` tokens, shaped like ``states``, beginning with ``held``."""
    capacity = -(-tokens // BLOCK) * BLOCK
    buffer = states.new_empty((*states.shape[:-2], capacity, states.shape[-1]))
    if held.numel():
        buffer[..., : held.shape[-2], :] = held
    return buffer
