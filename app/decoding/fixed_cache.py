"""A KV cache in buffers of fixed address, which is written and attended to by position.

A step that reads its positions from a tensor can be captured once and replayed at any length. The
buffers are made once, for the whole context; a step attends to as much of their beginning as it
is told, so that short texts do not cost the attention of long ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import torch
from torch import Tensor
from transformers import (
    AttentionMaskInterface,
    DynamicCache,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer
from transformers.masking_utils import eager_mask, sdpa_mask

_FULL, _SLIDING = "full_attention", "sliding_attention"


def why_not_fixed(config: PretrainedConfig) -> str:
    """Why a model of ``config`` cannot be read with a :class:`FixedCache`; empty if it can."""
    layers = DynamicCache(config=config).layers
    named = getattr(config.get_text_config(decoder=True), "layer_types", None) or ()
    if {type(layer) for layer in layers} <= {DynamicLayer, DynamicSlidingWindowLayer} and (
        set(named) <= {_FULL, _SLIDING}
    ):
        return ""
    return "not all of its layers attend to the whole text or to a sliding window"


class MaskKind(Enum):
    """The kinds of attention masks."""

    ALLOWED = "bool, true where a key may be attended to"
    ADDED = "numbers that are added to the scores"


def mask_of(config: PretrainedConfig) -> MaskKind | None:
    """The kind of mask that the attention of a model takes; None if it is another one."""
    masks = AttentionMaskInterface._global_mapping
    kinds: dict[object, MaskKind] = {sdpa_mask: MaskKind.ALLOWED, eager_mask: MaskKind.ADDED}
    return kinds.get(masks.get(config._attn_implementation))


@dataclass(frozen=True, slots=True)
class FixedCacheState:
    """A copy of the keys and values of one text; see :class:`app.decoding.cache_state.CacheState`.

    Attributes:
        layers: Keys and values of each layer, [1, heads, n, size].
        length: Number of tokens, n.
    """

    layers: tuple[tuple[Tensor, Tensor], ...]
    length: int

    @property
    def size(self) -> int:
        return sum(keys.nbytes + values.nbytes for keys, values in self.layers)

    @property
    def device(self) -> torch.device:
        return self.layers[0][0].device

    def reusable(self, common: int) -> int:
        return common

    def keys_and_values(self) -> Sequence[tuple[Tensor, Tensor]]:
        return self.layers

    def copy(self, length: int) -> FixedCacheState:
        copied = ((keys[:, :, :length], values[:, :, :length]) for keys, values in self.layers)
        return FixedCacheState(tuple((k.clone(), v.clone()) for k, v in copied), length)


class FixedCache:
    """Keys and values of all layers of one model.

    Args:
        model: A model that :func:`why_not_fixed` has nothing against, with a mask of a known kind.

    Attributes:
        capacity: Tokens that the buffers can hold.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._cache = DynamicCache(config=model.config)
        self._layers = [
            _FixedLayer(getattr(layer, "sliding_window", None)) for layer in self._cache.layers
        ]
        self._cache.layers = list(self._layers)
        self._mask_kind = mask_of(model.config)
        self._dtype: torch.dtype = next(model.get_input_embeddings().parameters()).dtype
        self.capacity = 0

    @property
    def size(self) -> int:
        """Bytes of the buffers."""
        tensors = (part for layer in self._layers for part in (layer.keys, layer.values))
        return sum(part.nbytes for part in tensors if part is not None)

    def resize(self, capacity: int, held: int) -> None:
        """Move to buffers for ``capacity`` tokens, with the first ``held`` tokens of the old ones.

        Raises:
            torch.OutOfMemoryError: There is no memory for them; the cache can be resized again.
        """
        self.capacity = capacity
        for layer in self._layers:
            layer.resize(capacity, held)

    def state(self, length: int) -> FixedCacheState:
        """A copy of the first ``length`` tokens."""
        held = tuple((layer.keys, layer.values) for layer in self._layers)
        return FixedCacheState(held, length).copy(length)  # type: ignore[arg-type]

    def put(self, state: FixedCacheState) -> None:
        """Begin with the tokens of ``state``, for which there must be capacity."""
        for layer, (keys, values) in zip(self._layers, state.layers, strict=True):
            layer.put(keys, values)

    def clear(self) -> None:
        """Set all keys and values to 0: masked values are multiplied by 0, also if they are NaN."""
        for layer in self._layers:
            layer.clear()

    def release(self) -> None:
        """Release the buffers."""
        self.capacity = 0
        for layer in self._layers:
            layer.release()

    def at(self, positions: Tensor, attended: int) -> DynamicCache:
        """The cache for one forward pass.

        Args:
            positions: Where its keys and values are written, [k].
            attended: How many of the first positions are attended to, as far as they are not
                masked.
        """
        for layer in self._layers:
            layer.positions, layer.attended = positions, attended
        return self._cache

    def masks(self, positions: Tensor, attended: int) -> Tensor | dict[str, Tensor]:
        """The attention masks, [1, 1, k, attended], of tokens at ``positions``, [k].

        Returns:
            One mask, or one by type of layer if there are layers with and without a window.
        """
        windows = {layer.window for layer in self._layers}
        masks = {window: self._mask(positions, attended, window) for window in windows}
        if len(masks) == 1:
            return masks.popitem()[1]
        return {_FULL if window is None else _SLIDING: mask for window, mask in masks.items()}

    def _mask(self, positions: Tensor, attended: int, window: int | None) -> Tensor:
        held, asking = torch.arange(attended, device=positions.device), positions[:, None]
        allowed = held <= asking
        if window is not None:
            allowed &= held > asking - window
        if self._mask_kind is MaskKind.ADDED:
            added = torch.zeros(allowed.shape, dtype=self._dtype, device=allowed.device)
            allowed = added.masked_fill(~allowed, torch.finfo(self._dtype).min)
        return allowed[None, None]


class _FixedLayer(DynamicLayer):
    """Keys and values of one layer, [1, heads, capacity, size], written at ``positions``.

    Every token is kept, also where a window has left it behind, so that any length can be rewound
    to.

    Args:
        window: Number of tokens that a token attends to, itself included; None for all.
    """

    def __init__(self, window: int | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.window = window
        self.capacity = 0
        self.positions = torch.empty(0, dtype=torch.int64)
        self.attended = 0

    def resize(self, capacity: int, held: int) -> None:
        self.capacity = capacity
        if self.is_initialized:
            assert self.keys is not None
            assert self.values is not None
            self.keys = _resized(self.keys, capacity, held)
            self.values = _resized(self.values, capacity, held)

    def put(self, keys: Tensor, values: Tensor) -> None:
        self._make_buffers(keys, values)
        assert self.keys is not None
        assert self.values is not None
        self.keys[:, :, : keys.shape[2]] = keys
        self.values[:, :, : values.shape[2]] = values

    def clear(self) -> None:
        if self.is_initialized:
            assert self.keys is not None
            assert self.values is not None
            self.keys.zero_()
            self.values.zero_()

    def release(self) -> None:
        self.capacity = 0
        self.reset()

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        self._make_buffers(key_states, value_states)
        assert self.keys is not None
        assert self.values is not None
        self.keys.index_copy_(2, self.positions, key_states)
        self.values.index_copy_(2, self.positions, value_states)
        return self.keys[:, :, : self.attended], self.values[:, :, : self.attended]

    def _make_buffers(self, keys: Tensor, values: Tensor) -> None:
        if not self.is_initialized:
            self.lazy_initialization(keys, values)
            self.keys = _resized(keys, self.capacity, 0)
            self.values = _resized(values, self.capacity, 0)

    def get_seq_length(self) -> int:
        """Used by transformers for the first block only, which is read without masks."""
        return 0

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.attended, 0


def _resized(states: Tensor, capacity: int, held: int) -> Tensor:
    """A buffer that begins with the first ``held`` tokens of ``states``; the rest is 0."""
    buffer = states.new_zeros((*states.shape[:-2], capacity, states.shape[-1]))
    buffer[..., :held, :] = states[..., :held, :]
    return buffer
