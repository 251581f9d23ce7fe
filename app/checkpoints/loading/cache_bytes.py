"""What the KV caches of a loaded recipe take for each token of a text."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.memory.measured_footprint import measure_footprint
from app.decoding.language_model import LanguageModel, TransformersLanguageModel
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel


def cache_bytes(loaded: LoadedRecipe) -> int:
    """Bytes of the KV caches of all models together, for one token."""
    return sum(map(_cache_bytes_of, loaded.ensemble.models))


def _cache_bytes_of(model: LanguageModel) -> int:
    if isinstance(model, TransformersLanguageModel):
        return measure_footprint(model.model.config).cache * _element(model.model)
    return int(model.cache_bytes) if isinstance(model, LlamaCppLanguageModel) else 0


def _element(model: PreTrainedModel) -> int:
    """Size of an element of the KV cache in bytes; packed models on a CPU compute in float32."""
    return 4 if model.device.type == "cpu" else torch.finfo(model.dtype).bits // 8
