"""The reference of a proof: plain forward passes of the model, one for each text."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from transformers import PreTrainedModel

from app.decoding.cache_support import looks_ahead
from app.decoding.language_model import LanguageModel
from app.decoding.uncached_model import UncachedLanguageModel, plain_forward


class Reference(Protocol):
    """Forward passes that begin with an empty cache and read the whole text at once."""

    def rows(self, text: Tensor) -> Tensor:
        """Logits after each token of a text, [n, V], on the host, by one forward pass."""
        ...

    def model(self) -> LanguageModel:
        """A language model that reads the whole text anew for each block."""
        ...


class PlainForwards:
    """The :class:`Reference` of a model as its class in transformers computes it.

    If a row depends on later tokens or on the length of the text, each prefix has a pass of its
    own.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model

    def rows(self, text: Tensor) -> Tensor:
        model = self._model
        text = text.to("cpu" if model.device.type == "meta" else model.device)  # meta: offloaded
        if not looks_ahead(model, len(text)):
            return plain_forward(model, text, len(text)).cpu()
        prefixes = [text[:length] for length in range(1, len(text) + 1)]
        return torch.cat([plain_forward(model, prefix, 1) for prefix in prefixes]).cpu()

    def model(self) -> LanguageModel:
        return UncachedLanguageModel(self._model)
