"""The cache of one text apart from its model, so that it can be kept, copied and put back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from transformers import DynamicCache

from app.decoding.kv_cache import GrowingLayer


class CacheState(Protocol):
    """The cache of a model after the tokens of one text."""

    @property
    def size(self) -> int:
        """Bytes in memory."""
        ...

    @property
    def device(self) -> torch.device:
        """The device whose memory it takes."""
        ...

    def reusable(self, common: int) -> int:
        """How many tokens of a text can be reused that has ``common`` first tokens in common."""
        ...

    def copy(self, length: int) -> CacheState:
        """A copy of its first ``length`` tokens, for a length that is reusable."""
        ...

    def keys_and_values(self) -> Sequence[tuple[Tensor, Tensor]] | None:
        """Keys and values of each layer, [1, heads, n, size]; None if it holds something else."""
        ...


@runtime_checkable
class StatefulModel(Protocol):
    """A language model whose cache can be taken away and put back.

    Attributes:
        shortens: Whether a cache can be shortened. If not, a text is continued only from a state
            that was taken exactly at its end.
    """

    shortens: bool

    def take_state(self) -> CacheState | None:
        """Hand over the cache, and hold nothing; None, and no change, if it cannot be taken."""
        ...

    def put_state(self, state: CacheState) -> None:
        """Continue from ``state`` instead of the current cache; it must not be used elsewhere."""
        ...


@dataclass(slots=True)
class DynamicCacheState:
    """A :class:`CacheState` over a cache of transformers.

    Attributes:
        cache: Keys and values, or recurrent states.
        length: Number of tokens.
        earliest: The shortest length that the cache can be shortened to, other than 0.
        shortens: Whether it can be shortened.
    """

    cache: DynamicCache
    length: int
    earliest: int
    shortens: bool

    @property
    def size(self) -> int:
        storages = (tensor.untyped_storage() for tensor in self._tensors())
        return sum({held.data_ptr(): held.nbytes() for held in storages}.values())

    @property
    def device(self) -> torch.device:
        return next((tensor.device for tensor in self._tensors()), torch.device("cpu"))

    def reusable(self, common: int) -> int:
        shortened = self.shortens and common >= self.earliest
        return common if shortened or common == self.length else 0

    def copy(self, length: int) -> DynamicCacheState:
        cache = copy(self.cache)
        cache.layers = [_copied(layer, length, self.length) for layer in self.cache.layers]
        earliest = length if length < self.length and forgets_when_cropped(cache) else self.earliest
        return DynamicCacheState(cache, length, earliest, self.shortens)

    def keys_and_values(self) -> Sequence[tuple[Tensor, Tensor]] | None:
        held = []
        for layer in self.cache.layers:
            if not isinstance(layer, GrowingLayer) or layer.keys is None or layer.values is None:
                return None
            held.append((layer.keys, layer.values))
        return held

    def _tensors(self) -> Iterator[Tensor]:
        for layer in self.cache.layers:
            for held in vars(layer).values():
                parts = held.values() if isinstance(held, dict) else held
                several = parts if isinstance(held, dict | tuple | list) else (held,)
                yield from (part for part in several if isinstance(part, Tensor))


def forgets_when_cropped(cache: DynamicCache) -> bool:
    """Whether a crop of ``cache`` forgets what convolutions read before, so that it is the last."""
    return any(hasattr(layer, "conv_states") for layer in cache.layers)


def _copied(layer: Any, length: int, held: int) -> Any:
    """A copy of the first ``length`` of ``held`` tokens of a layer."""
    if isinstance(layer, GrowingLayer):
        return layer.copy(length)
    other = deepcopy(layer)
    if length < held:
        other.crop(length - held)
    return other
