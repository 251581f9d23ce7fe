"""Every role of a recipe reading several texts side by side: prompts padded on the left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from app.decoding.ensemble import Ensemble, EnsembleLogits
from app.decoding.kv_cache import make_cache
from app.decoding.language_model import TransformersLanguageModel
from app.errors import Cancelled, ModelError

TOKENS_AT_ONCE = 4096
"""Prompts are read in chunks of so many tokens, counted over all texts."""


class PaddedModel:
    """A causal language model that reads several texts side by side.

    Prompts end in the same column: what is before a shorter one is masked and takes no positions,
    so every text is read as if it were alone.

    Args:
        model: What to evaluate; several of these may share it.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._device = torch.device("cpu") if model.device.type == "meta" else model.device
        self._takes_positions = "position_ids" in signature(model.forward).parameters
        self._cache: DynamicCache | None = None
        self._mask: Tensor | None = None  # [B, columns read], or None where nothing is padded

    def prefill(self, prompts: Sequence[Sequence[int]], cancelled: Callable[[], bool]) -> Tensor:
        """Forget everything and read ``prompts``; logits after each of them, [B, V]."""
        self._cache = make_cache(self._model.config)
        lengths = [len(prompt) for prompt in prompts]
        width = max(lengths)
        tokens = torch.zeros((len(prompts), width), dtype=torch.int64)
        mask = torch.zeros_like(tokens)
        for row, prompt in enumerate(prompts):
            tokens[row, width - len(prompt) :] = torch.tensor(prompt)
            mask[row, width - len(prompt) :] = 1
        self._mask = None if min(lengths) == width else mask[:, :0].to(self._device)
        columns = max(1, TOKENS_AT_ONCE // len(prompts))
        for start in range(0, width, columns):
            if cancelled():
                raise Cancelled
            chunk = slice(start, start + columns)
            logits = self._read(tokens[:, chunk], mask[:, chunk], last=1)
        return logits[:, 0]

    def extend(self, tokens: Tensor) -> Tensor:
        """Read ``tokens``, [B, k], after what was read; logits after each of them, [B, k, V]."""
        return self._read(tokens, torch.ones_like(tokens), last=tokens.shape[1])

    def keep(self, rows: Tensor) -> None:
        """Go on with some of the texts only, by their places, [n]."""
        assert self._cache is not None
        rows = rows.to(self._device)
        self._cache.batch_select_indices(rows)
        if self._mask is not None:
            self._mask = self._mask[rows]

    def _read(self, tokens: Tensor, mask: Tensor, last: int) -> Tensor:
        padding = {}
        if self._mask is not None:
            self._mask = torch.cat([self._mask, mask.to(self._device)], 1)
            padding["attention_mask"] = self._mask
            if self._takes_positions:
                positions = (self._mask.cumsum(1) - 1).clamp(min=0)
                padding["position_ids"] = positions[:, -tokens.shape[1] :]
        output = self._model(
            input_ids=tokens.to(self._device),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=last,
            **padding,
        )
        logits: Tensor = output.logits.float()
        return logits


class BatchedEnsemble:
    """An ensemble over several texts at once; the same two verbs, a text for every row.

    Args:
        ensemble: The roles. Its own KV caches are neither read nor written.

    Raises:
        ModelError: When a model has no KV cache here, as recurrent ones and those of an endpoint.
    """

    def __init__(self, ensemble: Ensemble) -> None:
        self._ensemble = ensemble
        self._models = [
            PaddedModel(_readable(model, name))
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


def _readable(model: object, name: str) -> PreTrainedModel:
    inner = model.model if isinstance(model, TransformersLanguageModel) else model
    if isinstance(inner, PreTrainedModel) and _has_cache(inner):
        return inner
    raise ModelError(
        f"The {name} cannot be evaluated: it cannot read several texts at once",
        evidence=f"{type(inner).__name__} has no KV cache that can be padded",
    )


def _has_cache(model: PreTrainedModel) -> bool:
    return "past_key_values" in signature(model.forward).parameters
