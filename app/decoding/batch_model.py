"""Batched forward passes: several texts read in one batch, padded on the left, or one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from inspect import signature
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from transformers import DynamicCache

from app.decoding.cache_state import CacheState, StatefulModel
from app.decoding.kv_cache import GrowingLayer, make_cache
from app.decoding.language_model import LanguageModel, TransformersLanguageModel
from app.decoding.uncached_model import UncachedLanguageModel
from app.errors import Cancelled, ContextLengthError

TOKENS_AT_ONCE = 4096
"""Tokens of a prefill chunk, counted over all texts of the batch."""


class BatchModel(Protocol):
    """Reads a batch of texts."""

    def prefill(self, prompts: Sequence[Sequence[int]], cancelled: Callable[[], bool]) -> Tensor:
        """Start a batch with ``prompts``; returns the logits after each of them, [B, V]."""
        ...

    def extend(self, tokens: Tensor) -> Tensor:
        """Extend each text by k ``tokens``, [B, k]; returns the logits after each, [B, k, V]."""
        ...

    def keep(self, rows: Tensor) -> None:
        """Keep only the texts at these indices of the batch, [n], and free what others held."""
        ...


@runtime_checkable
class OpenBatchModel(BatchModel, Protocol):
    """A batch model whose texts may also join between two forward passes."""

    def join(self, ids: Sequence[int], state: CacheState | None) -> None:
        """Append a text to the batch, or begin a batch with it.

        If it fails, the batch is as it was before.

        Args:
            ids: The token ids that the text consists of so far.
            state: The cache of a model of the same kind after them, which is copied. Without it
                they are read again.
        """
        ...

    def state(self, row: int) -> CacheState | None:
        """A copy of the cache of one text; None if it cannot be taken out of the batch."""
        ...


@runtime_checkable
class BatchingModel(Protocol):
    """A language model of an engine that has batch models of its own."""

    def batch(self) -> BatchModel:
        """A batch model that reads each text as this model does, with KV caches of its own."""
        ...

    def another(self) -> LanguageModel:
        """Another language model over the same weights with an empty cache."""
        ...


def batch_model(model: TransformersLanguageModel | BatchingModel) -> BatchModel:
    """A batch model that reads each text as ``model`` does, with KV caches of its own."""
    if isinstance(model, TransformersLanguageModel):
        return open_batch_model(model)
    return model.batch()


def open_batch_model(model: TransformersLanguageModel | BatchingModel) -> OpenBatchModel:
    """Such a batch model that texts may join at any time."""
    if not isinstance(model, TransformersLanguageModel):
        batch = model.batch()
        return batch if isinstance(batch, OpenBatchModel) else SeparateTexts(model.another)
    cached = not isinstance(model, UncachedLanguageModel)
    if (
        cached
        and model.pads_batches
        and "past_key_values" in signature(model.model.forward).parameters
        and all(isinstance(layer, GrowingLayer) for layer in make_cache(model.model.config).layers)
    ):
        return PaddedModel(model)
    return SeparateTexts(model.another)


class PaddedModel:
    """Reads several texts in one forward pass, padded on the left.

    Padding is masked and takes no positions, so that the logits of a text are the same as in a
    forward pass of that text alone. As many columns are held as the longest text has tokens.

    Args:
        reader: The language model of one text, whose weights are shared.
    """

    def __init__(self, reader: TransformersLanguageModel) -> None:
        self._reader = reader
        self._model = reader.model
        on_meta = self._model.device.type == "meta"
        self._device = torch.device("cpu") if on_meta else self._model.device
        self._takes_positions = "position_ids" in signature(self._model.forward).parameters
        self._cache: DynamicCache = make_cache(self._model.config)
        self._padding: list[int] = []  # unused columns before each text
        self._columns = 0

    def prefill(self, prompts: Sequence[Sequence[int]], cancelled: Callable[[], bool]) -> Tensor:
        """Start a batch with ``prompts``; returns the logits after each of them, [B, V]."""
        self._clear()
        width = max(map(len, prompts))
        self._padding = [width - len(prompt) for prompt in prompts]
        tokens = torch.zeros((len(prompts), width), dtype=torch.int64)
        for row, prompt in enumerate(prompts):
            tokens[row, width - len(prompt) :] = torch.tensor(prompt)
        columns = max(1, TOKENS_AT_ONCE // len(prompts))
        for chunk in tokens.split(columns, 1):
            if cancelled():
                raise Cancelled
            logits = self._read(chunk, last=1)
        return logits[:, 0]

    def extend(self, tokens: Tensor) -> Tensor:
        """Extend each text by k ``tokens``, [B, k]; returns the logits after each, [B, k, V]."""
        return self._read(tokens, last=tokens.shape[1])

    def keep(self, rows: Tensor) -> None:
        """Keep only the texts at these indices of the batch, [n]; shorten it to the longest."""
        places = rows.tolist()
        if not places:
            self._clear()
            return
        padding = [self._padding[row] for row in places]
        unused = min(padding)
        rows = rows.to(self._device)
        for layer in self._layers:
            layer.keep_rows(rows, unused)
        self._padding = [columns - unused for columns in padding]
        self._columns -= unused

    def join(self, ids: Sequence[int], state: CacheState | None) -> None:
        """Append a text to the batch; the shorter of the two is padded on the left."""
        held = state.keys_and_values() if state is not None else None
        if held is None:
            held = self._read_alone(ids)
        missing = len(held) - len(self._layers)  # of models that had an encoder
        self._cache.layers += [GrowingLayer() for _ in range(missing)]
        texts, columns = len(self._padding), self._columns
        try:
            for layer, (keys, values) in zip(self._layers, held, strict=True):
                layer.join(keys, values)
        except BaseException:
            for layer in self._layers:
                layer.cut(texts, columns)
            raise
        longer = max(0, len(ids) - columns)
        self._columns = columns + longer
        self._padding = [each + longer for each in self._padding] + [self._columns - len(ids)]

    def state(self, row: int) -> CacheState:
        """A copy of the cache of one text."""
        first = self._padding[row]
        held = []
        for layer in self._layers:
            assert layer.keys is not None
            assert layer.values is not None
            text = slice(row, row + 1)
            held.append((layer.keys[text, :, first:], layer.values[text, :, first:]))
        return self._reader.state_of(held)

    @property
    def _layers(self) -> list[GrowingLayer]:
        return self._cache.layers  # type: ignore[return-value]  # as batch_model has checked

    def _clear(self) -> None:
        self._cache = make_cache(self._model.config)
        self._padding = []
        self._columns = 0

    def _read_alone(self, ids: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
        text = self._reader.another()
        _read_in_chunks(text, ids)
        state = text.take_state()
        held = None if state is None else state.keys_and_values()
        assert held is not None
        return list(held)

    def _read(self, tokens: Tensor, last: int) -> Tensor:
        self._columns += tokens.shape[1]
        options = {}
        if any(self._padding):
            padding = torch.tensor(self._padding, device=self._device)[:, None]
            columns = torch.arange(self._columns, device=self._device)
            options["attention_mask"] = (columns >= padding).to(torch.int64)
            if self._takes_positions:
                positions = columns[-tokens.shape[1] :] - padding
                options["position_ids"] = positions.clamp(min=0)
        with self._reader.threads.for_block(tokens.numel()):
            output = self._model(
                input_ids=tokens.to(self._device),
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=last,
                **options,
            )
        logits: Tensor = output.logits.float()
        return logits


class SeparateTexts:
    """Reads the texts of a batch one after another, for models that cannot read padded texts.

    Args:
        make: Makes the language model of one text.

    Attributes:
        texts: The language model of each text.
        full: Errors of texts, by their index, that the last block did not fit into the context of.
            Their rows are not numbers, and they have not read the block.
    """

    def __init__(self, make: Callable[[], LanguageModel]) -> None:
        self._make = make
        self.texts: list[LanguageModel] = []
        self.full: dict[int, ContextLengthError] = {}

    def prefill(self, prompts: Sequence[Sequence[int]], cancelled: Callable[[], bool]) -> Tensor:
        """Start a batch with ``prompts``; returns the logits after each of them, [B, V]."""
        self.texts = []
        self.full = {}
        rows = []
        for prompt in prompts:
            text = self._make()
            rows.append(_read_in_chunks(text, prompt, cancelled))
            self.texts.append(text)
        return torch.cat(rows)

    def extend(self, tokens: Tensor) -> Tensor:
        """Extend each text by k ``tokens``, [B, k]; returns the logits after each, [B, k, V]."""
        self.full = {}
        return torch.stack([self._extended(row, block) for row, block in enumerate(tokens)])

    def keep(self, rows: Tensor) -> None:
        """Keep only the texts at these indices of the batch, [n]."""
        self.texts = [self.texts[row] for row in rows.tolist()]

    def join(self, ids: Sequence[int], state: CacheState | None) -> None:
        """Append a text to the batch."""
        text = self._make()
        if state is not None and isinstance(text, StatefulModel):
            text.put_state(state.copy(len(ids)))
        else:
            _read_in_chunks(text, ids)
        self.texts.append(text)

    def state(self, row: int) -> CacheState | None:
        """A copy of the cache of one text; None if it cannot be taken from its model."""
        text = self.texts[row]
        length = text.length
        if not isinstance(text, StatefulModel) or (state := text.take_state()) is None:
            return None
        text.put_state(state)
        return state.copy(length)

    def _extended(self, row: int, block: Tensor) -> Tensor:
        """The logits of one text after each token of a block, [k, V]."""
        text = self.texts[row]
        try:
            return text.extend(block, len(block))
        except ContextLengthError as error:
            self.full[row] = error
            return torch.full((len(block), text.vocabulary_size), math.nan)


def _read_in_chunks(
    text: LanguageModel, ids: Sequence[int], cancelled: Callable[[], bool] = lambda: False
) -> Tensor:
    """The logits after ``ids``, [1, V]."""
    for chunk in torch.tensor(ids).split(TOKENS_AT_ONCE):
        if cancelled():
            raise Cancelled
        logits = text.extend(chunk)
    return logits
