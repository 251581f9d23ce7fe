"""A causal language model with a KV cache."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from app.decoding.cache_state import CacheState, DynamicCacheState, forgets_when_cropped
from app.decoding.cache_support import (
    cache_argument,
    continues_by_single_tokens,
    has_recurrent_state,
    needs_position_ids,
)
from app.decoding.context_limit import context_limit
from app.decoding.kv_cache import GrowingLayer, make_cache
from app.decoding.thread_choice import ThreadChoice
from app.errors import ModelError


class LanguageModel(Protocol):
    """A causal language model with a KV cache that can be extended and rewound."""

    length: int
    """Number of tokens in the KV cache."""
    context_length: int | None
    """Maximum number of tokens the model can read, or None without a limit."""
    vocabulary_size: int
    """Columns of the logits, padding rows included."""

    @property
    def can_rewind(self) -> bool:
        """Whether it can rewind to lengths other than 0; reliable once something was read."""
        ...

    def extend(self, tokens: Tensor, last: int = 1) -> Tensor:
        """Read ``tokens``, [k], and return raw logits of the last positions, [last, V], float32."""
        ...

    def rewind(self, length: int) -> None:
        """Shorten the KV cache to its first ``length`` tokens."""
        ...


class TransformersLanguageModel:
    """A :class:`LanguageModel` over a transformers checkpoint with a KV cache that grows in blocks.

    Several of these may share one ``model``; each has its own cache.

    Args:
        model: The transformers model.
        context_length: A limit of tokens below the model's own, or None.
        reads_blocks: Whether several tokens may be read in one forward pass.
        rewinds: Whether its cache may be shortened to other lengths than 0.

    Attributes:
        pads_batches: Whether texts of different lengths may be read side by side.
        shortens: Whether its cache can be shortened; False with a recurrent state.
        threads: Chooses the number of CPU threads of its forward passes, and of batches.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        context_length: int | None = None,
        *,
        reads_blocks: bool = True,
        rewinds: bool = True,
    ) -> None:
        config = model.config.get_text_config(decoder=True)
        self.model = model
        # Offloaded weights are on the meta device between uses; accelerate's hooks move the inputs.
        self._device = torch.device("cpu") if model.device.type == "meta" else model.device
        self._cache: DynamicCache | None = None
        self._cache_name = cache_argument(model)
        self._by_single_tokens = continues_by_single_tokens(model)
        self._passes_position_ids = needs_position_ids(model)
        self._earliest = 0
        self._reads_blocks = reads_blocks
        self._rewinds = rewinds
        self.shortens = rewinds and not has_recurrent_state(model)
        self.pads_batches = not (has_recurrent_state(model) or self._passes_position_ids)
        self.threads = ThreadChoice(0 if self._device.type == "cpu" else 1)
        self.length = 0
        limits = [context_length, context_limit(model.config)]
        self.context_length = min((limit for limit in limits if limit is not None), default=None)
        output = model.get_output_embeddings()
        self.vocabulary_size: int = output.weight.shape[0] if output else config.vocab_size

    def another(self) -> TransformersLanguageModel:
        """Another language model over the same weights with the same options and an empty cache."""
        return TransformersLanguageModel(
            self.model, self.context_length, reads_blocks=self._reads_blocks, rewinds=self._rewinds
        )

    def extend(self, tokens: Tensor, last: int = 1) -> Tensor:
        one_by_one = not self._reads_blocks or (self._cache is not None and self._by_single_tokens)
        if self._cache is None:
            self._cache = make_cache(self.model.config)
        if not one_by_one:
            return self._read(tokens, last)
        rows = deque[Tensor](maxlen=last)
        rows.extend(self._read(token, 1) for token in tokens.split(1))
        return torch.cat(list(rows))

    def _read(self, tokens: Tensor, last: int) -> Tensor:
        options: dict[str, Any] = {self._cache_name: self._cache}
        if self._passes_position_ids:
            positions = torch.arange(self.length, self.length + tokens.shape[0])
            options["position_ids"] = positions[None].to(self._device)
        with self.threads.for_block(tokens.shape[0]):
            output = self.model(
                input_ids=tokens[None].to(self._device),
                use_cache=True,
                logits_to_keep=last,  # ignored by some models
                **options,
            )
        self.length += tokens.shape[0]
        logits: Tensor = output.logits[0, -last:].float()
        return logits

    @property
    def can_rewind(self) -> bool:
        if not self._rewinds or self._cache is None:
            return self._rewinds
        return self._cache.is_croppable and not has_recurrent_state(self.model)

    def rewind(self, length: int) -> None:
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot rewind {self.length} tokens to {length}")
        if length == 0:
            self._cache = None
            self._earliest = 0
        elif self._cache is not None and length < self.length:
            if not self.can_rewind or length < self._earliest:
                raise ModelError(
                    "This model cannot go back to an earlier token",
                    evidence=f"{type(self.model).__name__} keeps a state that cannot be rewound",
                    next_step="Generate again from the prompt.",
                )
            self._cache.crop(length - self.length)
            if forgets_when_cropped(self._cache):
                self._earliest = length
        self.length = length

    def take_state(self) -> CacheState | None:
        if self._cache is None:
            return None
        state = DynamicCacheState(self._cache, self.length, self._earliest, self.can_rewind)
        self.rewind(0)
        return state

    def state_of(self, held: Sequence[tuple[Tensor, Tensor]]) -> CacheState:
        """A state with copies of the keys and values of each layer, [1, heads, n, size]."""
        cache = make_cache(self.model.config)
        cache.layers += [GrowingLayer() for _ in range(len(held) - len(cache.layers))]
        for layer, (keys, values) in zip(cache.layers, held, strict=True):
            assert isinstance(layer, GrowingLayer)
            layer.join(keys, values)
        return DynamicCacheState(cache, held[0][0].shape[-2], 0, self.can_rewind)

    def put_state(self, state: CacheState) -> None:
        assert isinstance(state, DynamicCacheState)
        self._cache, self.length, self._earliest = state.cache, state.length, state.earliest
