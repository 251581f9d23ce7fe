"""A language model over a GGUF file, computed by llama.cpp."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.decoding.batch_model import BatchModel
from app.decoding.cache_state import CacheState
from app.decoding.llama_cpp.llama_batch import LlamaBatch
from app.decoding.llama_cpp.llama_context import (
    OUTPUTS,
    ContextOptions,
    LlamaContext,
    capacity_for,
)
from app.decoding.llama_cpp.llama_state import LlamaState
from app.decoding.llama_cpp.llama_weights import LlamaCppWeights
from app.errors import ContextLengthError, ModelError


class LlamaCppLanguageModel:
    """A :class:`app.decoding.language_model.LanguageModel` over weights of llama.cpp.

    Several of these may share one ``weights``; each has its own KV cache, which grows with the
    text. No lock of Python is held while it computes.

    Args:
        weights: The weights.
        context_length: A limit of tokens below the model's own, or None.
        options: How it computes.

    Attributes:
        shortens: Whether its cache can be shortened; False with a recurrent state.
    """

    def __init__(
        self,
        weights: LlamaCppWeights,
        context_length: int | None = None,
        options: ContextOptions | None = None,
    ) -> None:
        self.weights = weights
        self.options = options or ContextOptions()
        own = weights.context_length or None
        limits = [limit for limit in (context_length, own) if limit is not None]
        self.context_length = min(limits, default=None)
        self.vocabulary_size = weights.vocabulary_size
        self.length = 0
        self._ids: list[int] = []  # of models with a sliding window, to read lost tokens again
        self.shortens = weights.rewinds
        self._context: LlamaContext | None = None

    @property
    def cache_bytes(self) -> float:
        """Bytes that a token takes in the KV cache."""
        return self.weights.cache_elements * self.options.kv_type.bytes

    @property
    def buffer_bytes(self) -> int:
        """Bytes of the KV cache that is held."""
        return 0 if self._context is None else int(self._context.capacity * self.cache_bytes)

    def another(self) -> LlamaCppLanguageModel:
        """Another language model over the same weights with the same options and an empty cache."""
        return LlamaCppLanguageModel(self.weights, self.context_length, self.options)

    def batch(self) -> BatchModel:
        """A batch model that reads each text as this model does, with KV caches of its own."""
        return LlamaBatch(self.weights, self.context_length, self.options)

    def extend(self, tokens: Tensor, last: int = 1) -> Tensor:
        ids = tokens.numpy().astype(np.int32)
        context = self._context_for(self.length + len(ids))
        wanted = np.arange(len(ids)) >= len(ids) - last
        block = context.block if last <= OUTPUTS else OUTPUTS
        rows = []
        for start in range(0, len(ids), block):
            part = slice(start, start + block)
            count = len(ids[part])
            positions = np.arange(self.length, self.length + count, dtype=np.int32)
            rows.append(self._read(context, ids[part], positions, wanted[part]))
            self.length += count
            if self.weights.window:
                self._ids += ids[part].tolist()
        return rows[-1] if len(rows[-1]) == last else torch.cat(rows)

    @property
    def can_rewind(self) -> bool:
        return self.shortens

    def rewind(self, length: int) -> None:
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot rewind {self.length} tokens to {length}")
        if self._context is not None and length < self.length:
            if length > 0 and not self.can_rewind:
                raise self._no_rewind()
            if not self._context.can_shorten(length):
                self._read_again(length)
            elif not self._context.shorten(length):
                self.shortens = False
                raise self._no_rewind()
        self.length = length
        del self._ids[length:]

    def take_state(self) -> CacheState | None:
        """Hand over the KV cache, and hold nothing; None if there is none."""
        if self._context is None or self.length == 0:
            return None
        state = self._state(self._context)
        self.rewind(0)
        return state

    def put_state(self, state: CacheState) -> None:
        """Continue from ``state`` instead of the current KV cache."""
        assert isinstance(state, LlamaState)
        self.rewind(0)
        self._put(self._context_for(state.held), state)

    def release(self) -> None:
        """Empty the KV cache and give its memory back, and that of the buffers."""
        self.length = 0
        self._ids = []
        if self._context is not None:
            self._context.close()
            self._context = None

    def _read(
        self,
        context: LlamaContext,
        tokens: NDArray[np.int32],
        positions: NDArray[np.int32],
        wanted: NDArray[np.bool_],
    ) -> Tensor:
        try:
            return context.read(tokens, positions, wanted)
        except BaseException:
            self.release()  # some layers may have read the tokens and others not
            raise

    def _read_again(self, length: int) -> None:
        """Read the first tokens anew, of which the KV cache has lost some."""
        ids = torch.tensor(self._ids[:length])
        self.rewind(0)
        self.extend(ids)

    def _context_for(self, length: int) -> LlamaContext:
        """A context that can hold ``length`` tokens, with what was read so far."""
        if self.context_length is not None and length > self.context_length:
            raise ContextLengthError(
                "The text is longer than the context of the model",
                evidence=f"{length:,} tokens, the context is {self.context_length:,}",
                next_step="Shorten the prompt or choose a model with a longer context.",
            )
        context = self._context
        if context is not None and length <= context.capacity:
            return context
        moved = self._state(context) if context is not None and self.length else None
        self.release()
        self._context = context = self._new_context(length)
        if moved is not None:
            self._put(context, moved)
        return context

    def _state(self, context: LlamaContext) -> LlamaState:
        data = context.whole_state() if self.weights.window else context.state()
        return LlamaState(data, self.length, self.length, self.shortens, tuple(self._ids))

    def _new_context(self, length: int) -> LlamaContext:
        capacity = capacity_for(length, self.context_length)
        return LlamaContext(self.weights, capacity, self.options)

    def _put(self, context: LlamaContext, state: LlamaState) -> None:
        fits = context.put_whole(state.data) if state.whole else context.put(state.data)
        if not fits:
            self.release()
            raise ModelError(
                "llama.cpp cannot continue from a text that was kept",
                evidence=f"a state of {state.held:,} tokens was refused",
                next_step="Generate again; the text is read anew.",
            )
        self.length = state.held
        self._ids = list(state.ids)
        self.rewind(state.length)

    def _no_rewind(self) -> ModelError:
        return ModelError(
            "This model cannot go back to an earlier token",
            evidence=f"{self.weights.description} keeps a state that cannot be rewound",
            next_step="Generate again from the prompt.",
        )
