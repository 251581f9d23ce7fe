"""How many layers of a GGUF file go to a GPU: all, a number, or as many as fit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.checkpoints.engine_options import ALL
from app.checkpoints.formats.stored_tensors import StoredTensor
from app.checkpoints.memory.footprint import Footprint

_SHARE = 0.85
"""Share of the free memory of a device that layers may take; as in loading.placement."""
_LAYER = re.compile(r"blk\.(\d+)\.")
_ON_THE_HOST = "token_embd."
"""The embedding stays in main memory, where its rows are looked up."""


@dataclass(frozen=True, slots=True)
class LayerSplit:
    """Which part of a model is on a GPU.

    llama.cpp counts the output as the last layer, and fills a GPU from the last one.

    Attributes:
        layers: Number of layers on the GPU, the output included.
        of: Number of layers of the model, the output included.
        on_device: Bytes of weights on the GPU.
    """

    layers: int
    of: int
    on_device: int

    @property
    def share(self) -> float:
        """The share of the layers that is on the GPU."""
        return self.layers / self.of


def split_layers(
    tensors: Sequence[StoredTensor],
    footprint: Footprint,
    asked: int | str,
    context: int,
    kv_type: str,
    free: int,
) -> LayerSplit:
    """Choose the layers that go to a GPU.

    Args:
        tensors: The tensors of the file.
        footprint: The sizes of the model.
        asked: ``gpu_layers`` of the role.
        context: Number of tokens in its KV cache.
        kv_type: The type of the KV cache.
        free: Free bytes of the GPU.
    """
    sizes = _layer_sizes(tensors)
    most = len(sizes)
    if isinstance(asked, int):
        most = min(asked, most)
    elif asked != ALL:
        room = int(free * _SHARE) - footprint.llama_buffer_bytes(context, kv_type)
        cache = footprint.cache_bytes(context, kv_type) // max(1, len(sizes) - 1)
        most = _as_many_as_fit(sizes, cache, room)
    return LayerSplit(most, len(sizes), sum(sizes[len(sizes) - most :]))


def _layer_sizes(tensors: Sequence[StoredTensor]) -> list[int]:
    """Bytes of each layer; the last one is the output, which may be the embedding once more."""
    layers = dict[int, int]()
    output = embedding = 0
    for tensor in tensors:
        found = _LAYER.match(tensor.name)
        if found:
            layers[int(found[1])] = layers.get(int(found[1]), 0) + tensor.size
        elif tensor.name.startswith(_ON_THE_HOST):
            embedding += tensor.size
        else:
            output += tensor.size
    tied = not any(tensor.name == "output.weight" for tensor in tensors)
    return [layers[number] for number in sorted(layers)] + [output + (embedding if tied else 0)]


def _as_many_as_fit(sizes: Sequence[int], cache: int, room: int) -> int:
    for count, size in enumerate(reversed(sizes)):
        room -= size + (cache if count else 0)  # the output has no KV cache
        if room < 0:
            return count
    return len(sizes)
