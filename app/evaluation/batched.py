"""Every role of a recipe reading several texts side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from app.decoding.batch_model import BatchModel, batch_model
from app.decoding.ensemble import Ensemble, EnsembleLogits
from app.decoding.language_model import TransformersLanguageModel
from app.errors import ModelError


class BatchedEnsemble:
    """An ensemble over several texts at once; the same two verbs, a text for every row.

    Args:
        ensemble: The roles. Its own KV caches are neither read nor written.

    Raises:
        ModelError: When a model is behind an endpoint.
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
    def evaluations(self) -> int:
        return len(self._models)

    def prefill(
        self,
        prompts: Sequence[Sequence[Sequence[int]]],
        cancelled: Callable[[], bool] = lambda: False,
    ) -> EnsembleLogits:
        """Forget everything and read the prompts.

        Args:
            prompts: For each evaluation, the token ids of each text's prompt.
            cancelled: Asked before every chunk.

        Returns:
            Rows of [E, B, V]: logits for the first token after each prompt.

        Raises:
            Cancelled: When ``cancelled`` says so.
        """
        return self._ensemble.gather(
            [
                model.prefill(own, cancelled)
                for model, own in zip(self._models, prompts, strict=True)
            ]
        )

    def extend(self, tokens: Tensor) -> EnsembleLogits:
        """Read ``tokens``, [B, k], in every role; rows of [E, B · k, V], text after text."""
        return self._ensemble.gather([model.extend(tokens).flatten(0, 1) for model in self._models])

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with some of the texts only, by their places."""
        places = torch.tensor(rows)
        for model in self._models:
            model.keep(places)


def _batch_model(model: object, name: str) -> BatchModel:
    if isinstance(model, TransformersLanguageModel):
        return batch_model(model)
    raise ModelError(
        f"The {name} cannot be evaluated: its model is behind an endpoint",
        evidence="a batch needs whole rows of logits",
        next_step="Choose a base that is on this machine.",
    )
