"""What the KV caches of a loaded recipe take for each token of a text."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping

import torch
from transformers import PreTrainedModel

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.memory.measured_footprint import measure_footprint
from app.decoding.bridge.bridged_model import BridgedLanguageModel
from app.decoding.language_model import LanguageModel, TransformersLanguageModel
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel


def cache_bytes(loaded: LoadedRecipe) -> Counter[str]:
    """Bytes of the KV caches of all models for one token, on each device."""
    devices = {loaded.context_index(place): role.device for place, role in enumerate(loaded.roles)}
    found = Counter[str]()
    for context, model in enumerate(loaded.ensemble.models):
        found[devices[context]] += _cache_bytes_of(model)
    return found


def tokens_that_fit(
    bytes_on: Mapping[str, int], free_on: Callable[[str], int], share: float
) -> float:
    """How many tokens KV caches can grow by until a share of what is free on a device is used.

    Args:
        bytes_on: Bytes for one token on each device, from :func:`cache_bytes`.
        free_on: Returns the free bytes of a device.
        share: The share.
    """
    rooms = (share * free_on(device) / size for device, size in bytes_on.items() if size)
    return min(rooms, default=math.inf)


def _cache_bytes_of(model: LanguageModel) -> int:
    if isinstance(model, TransformersLanguageModel):
        return measure_footprint(model.model.config).cache * _element(model.model)
    if isinstance(model, BridgedLanguageModel):
        return _cache_bytes_of(model.inner)
    return int(model.cache_bytes) if isinstance(model, LlamaCppLanguageModel) else 0


def _element(model: PreTrainedModel) -> int:
    """Size of an element of the KV cache in bytes; packed models on a CPU compute in float32."""
    return 4 if model.device.type == "cpu" else torch.finfo(model.dtype).bits // 8
