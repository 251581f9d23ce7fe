"""Batched forward passes of all models of a recipe, with left-padded prompts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from app.decoding.batch_model import BatchingModel, BatchModel, batch_model
from app.decoding.ensemble import Ensemble, EnsembleLogits
from app.decoding.language_model import TransformersLanguageModel
from app.errors import ModelError


class BatchedEnsemble:
    """An ensemble for a batch of sequences, with the same methods as ``Ensemble``.

    Args:
        ensemble: The models. Its own KV caches are not used.

    Raises:
        ModelError: A model is behind an endpoint, which does not return full rows of logits.
    """

    def __init__(self, ensemble: Ensemble) -> None:
        self._ensemble = ensemble
        self._models = [
            _batch_model(model, name)
            for model, name in zip(ensemble.models, ensemble.names, strict=True)
        ]

    @property
    def vocabulary_size(self) -> int:
        return self._ensemble.vocabulary_size

    @property
    def contexts(self) -> int:
        """The number of model contexts."""
        return len(self._models)

    def prefill(
        self,
        prompts: Sequence[Sequence[Sequence[int]]],
        cancelled: Callable[[], bool] = lambda: False,
    ) -> EnsembleLogits:
        """Reset the caches and read the prompts.

        Args:
            prompts: The token ids of each sequence's prompt, for each model context.
            cancelled: Called before each prefill chunk.

        Returns:
            Logits for the first token after each prompt, rows of [E, B, V].

        Raises:
            Cancelled: ``cancelled`` returned True.
        """
        return self._ensemble.gather(
            [
                model.prefill(own, cancelled)
                for model, own in zip(self._models, prompts, strict=True)
            ]
        )

    def extend(self, tokens: Tensor) -> EnsembleLogits:
        """Read ``tokens``, [B, k], with all models; rows of [E, B · k, V], sequence by sequence."""
        return self._ensemble.gather([model.extend(tokens).flatten(0, 1) for model in self._models])

    def keep(self, rows: Sequence[int]) -> None:
        """Keep only the sequences with these indices in the batch."""
        places = torch.tensor(rows)
        for model in self._models:
            model.keep(places)


def _batch_model(model: object, name: str) -> BatchModel:
    if isinstance(model, TransformersLanguageModel | BatchingModel):
        return batch_model(model)
    raise ModelError(
        f"The {name} cannot be evaluated: its model is behind an endpoint",
        evidence="a batch needs whole rows of logits",
        next_step="Choose a base that is on this machine.",
    )
