"""Batched forward passes of all models of a recipe: each reads all texts at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

import torch
from torch import Tensor

from app.decoding.batch_model import (
    BatchingModel,
    BatchModel,
    SeparateTexts,
    batch_model,
    open_batch_model,
)
from app.decoding.bridge.bridged_model import BridgedLanguageModel
from app.decoding.bridge.refinement import BridgedText, complete
from app.decoding.cache_state import CacheState
from app.decoding.coverage import Coverage
from app.decoding.ensemble import Ensemble, EnsembleLogits
from app.decoding.language_model import TransformersLanguageModel
from app.errors import ModelError, TuneshiftError


class BatchedEnsemble:
    """An ensemble for a batch of texts, with methods like those of ``Ensemble``.

    Args:
        ensemble: The models. Its own KV caches are not used.

    Raises:
        ModelError: A model is behind an endpoint, which does not return full rows of logits.
    """

    def __init__(self, ensemble: Ensemble) -> None:
        self._ensemble = ensemble
        self._models: Sequence[BatchModel] = list(map(batch_model, batching_models(ensemble)))

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
            prompts: The token ids of each text's prompt, for each model context.
            cancelled: Called before each prefill chunk.

        Returns:
            Logits for the first token after each prompt, rows of [C, B, V].

        Raises:
            Cancelled: ``cancelled`` returned True.
        """
        return self._ensemble.stack(
            [
                model.prefill(own, cancelled)
                for model, own in zip(self._models, prompts, strict=True)
            ]
        )

    def extend(self, tokens: Tensor) -> EnsembleLogits:
        """Read ``tokens``, [B, k], with all models; rows of [C, B · k, V], text by text."""
        return self._ensemble.stack([model.extend(tokens).flatten(0, 1) for model in self._models])

    def refine(
        self, logits: EnsembleLogits, given: Sequence[int | None] | None = None
    ) -> list[Coverage | None] | None:
        """Complete the rows of pairs of another vocabulary, in place.

        Args:
            logits: The rows that were computed last, text by text.
            given: The token at each position if it is given instead of sampled. Rows of positions
                with None are left as they are.

        Returns:
            The coverage at each position, see :func:`app.decoding.bridge.refinement.refine`; None
            where all models share a vocabulary, and for a role alone.
        """
        count = logits.rows.shape[1]
        known: list[Coverage | None] = [None] * count
        for position in reversed(range(count)):  # models are rewound rather than read on
            if given is None:
                known[position] = self.refine_at(position, logits)
            elif (token := given[position]) is not None:
                known[position] = self.refine_at(position, logits, token)
        return None if all(coverage is None for coverage in known) else known

    def refine_at(
        self, position: int, logits: EnsembleLogits, given: int | None = None
    ) -> Coverage | None:
        """Complete the rows of one position, in place; see :meth:`refine`."""
        bridged = self._bridged(position, logits.rows.shape[1])
        return complete(bridged, logits, position, given)

    def _bridged(self, position: int, count: int) -> list[BridgedText]:
        """The text at one of ``count`` positions, as each model of another vocabulary read it."""
        found = []
        for place, model in enumerate(self._models):
            if isinstance(model, SeparateTexts):
                row, column = divmod(position, count // len(model.texts))
                text = model.texts[row]
                if isinstance(text, BridgedLanguageModel):
                    later = count // len(model.texts) - 1 - column
                    found.append(BridgedText(place, text, text.length - later))
        return found

    def unusable(self, logits: EnsembleLogits) -> dict[int, TuneshiftError]:
        """The positions at which a model has no logits, or such that are not numbers, with the
        errors."""
        found: dict[int, TuneshiftError] = {**self._ensemble.unusable(logits)}
        for model in self._models:
            if isinstance(model, SeparateTexts):
                columns = logits.rows.shape[1] // len(model.texts)
                for row, error in model.full.items():
                    found |= dict.fromkeys(range(row * columns, (row + 1) * columns), error)
        return found

    def require_usable(self, logits: EnsembleLogits) -> None:
        """Check every position.

        Raises:
            ModelError: A model computed logits that are not numbers.
            ContextLengthError: A text does not fit into the context of a model.
        """
        for error in self.unusable(logits).values():
            raise error

    def keep(self, rows: Sequence[int]) -> None:
        """Keep only the texts with these indices in the batch."""
        places = torch.tensor(rows, dtype=torch.int64)
        for model in self._models:
            model.keep(places)


class OpenBatchedEnsemble(BatchedEnsemble):
    """A batched ensemble that texts may join at any time, and that is empty at first."""

    def __init__(self, ensemble: Ensemble) -> None:
        super().__init__(ensemble)
        self._open = list(map(open_batch_model, batching_models(ensemble)))
        self._models = self._open
        self._texts = 0

    def keep(self, rows: Sequence[int]) -> None:
        super().keep(rows)
        self._texts = len(rows)

    def join(self) -> None:
        """Append the text that the ensemble has read on its own; the batch copies its caches.

        If it fails, the batch is as it was before.
        """
        with ExitStack() as lending:
            contexts = self._ensemble.contexts
            lent = [lending.enter_context(context.lent_state()) for context in contexts]
            self.join_states([ids for ids, _ in lent], [state for _, state in lent])

    def join_states(
        self, texts: Sequence[Sequence[int]], states: Sequence[CacheState | None]
    ) -> None:
        """Append a text from its caches, which are copied, as :meth:`join` does.

        Args:
            texts: The token ids that each model context has read of it.
            states: The cache of each model context after them; without one they are read again.
        """
        joined = []
        try:
            for model, ids, state in zip(self._open, texts, states, strict=True):
                model.join(ids, state)
                joined.append(model)
        except BaseException:
            for model in joined:
                model.keep(torch.arange(self._texts))
            raise
        self._texts += 1

    def states(self, row: int) -> list[CacheState | None]:
        """Copies of the caches of one text, for each model context; None where there is none."""
        return [model.state(row) for model in self._open]


def batching_models(ensemble: Ensemble) -> list[TransformersLanguageModel | BatchingModel]:
    """The models of an ensemble, if all of them can read batches.

    Raises:
        ModelError: A model is behind an endpoint, which does not return full rows of logits.
    """
    found: list[TransformersLanguageModel | BatchingModel] = []
    for model, name in zip(ensemble.models, ensemble.names, strict=True):
        if not isinstance(model, TransformersLanguageModel | BatchingModel):
            raise ModelError(
                f"The {name} cannot read several texts at once: its model is behind an endpoint",
                evidence="a batch needs whole rows of logits",
                next_step="Choose a base that is on this machine.",
            )
        found.append(model)
    return found
