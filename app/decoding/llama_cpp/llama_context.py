"""A context of llama.cpp: the KV caches of one or several texts, and forward passes over them."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.decoding.llama_cpp.library import collected_errors, library
from app.decoding.llama_cpp.llama_weights import CPU, LlamaCppWeights
from app.decoding.thread_choice import ThreadChoice
from app.errors import ContextLengthError, DeviceError, ModelError

Ints = NDArray[np.int32]
BLOCK = 512
"""Tokens of one forward pass; more are read in several."""
OUTPUTS = 64
"""Rows of logits of one forward pass; its buffers have memory for as many."""
MOST_TEXTS = 256
"""Texts of one context; llama.cpp holds no more."""
FIRST_CAPACITY = 1024
"""Tokens of the first KV cache of a text; a longer text moves to one of twice as many."""


class KvType(Enum):
    """How keys and values are kept; the number is that of ggml."""

    F32 = 0
    F16 = 1
    Q8_0 = 8

    @property
    def bytes(self) -> float:
        """Bytes of a number."""
        return {KvType.F32: 4, KvType.F16: 2, KvType.Q8_0: 34 / 32}[self]


@dataclass(frozen=True, slots=True)
class ContextOptions:
    """How a context computes.

    Attributes:
        kv_type: How keys and values are kept.
        flash_attention: Whether attention is computed in one pass, which rounds keys and values to
            half precision. None leaves it to the library, and is no for a KV cache in float32. A
            quantized KV cache needs it.
    """

    kv_type: KvType = KvType.F16
    flash_attention: bool | None = None


class LlamaContext:
    """KV caches for several texts.

    Args:
        weights: The weights.
        capacity: Tokens that all texts together can have.
        options: How it computes.
        texts: How many texts it can hold, at most ``MOST_TEXTS``.

    Attributes:
        capacity: Tokens that all texts together can have, at least as many as asked for.
        block: Tokens of one forward pass.
        texts: How many texts it can hold.

    Raises:
        DeviceError: There is no memory for it, or the model cannot be computed with the options.
    """

    def __init__(
        self, weights: LlamaCppWeights, capacity: int, options: ContextOptions, texts: int = 1
    ) -> None:
        self._llama = library()
        with collected_errors() as errors:
            pointer = self._llama.llama_init_from_model(
                weights.pointer, self._parameters(capacity, options, texts)
            )
        if not pointer:
            raise _refusal(capacity, errors, weights)
        self._pointer = pointer
        self._weights = weights
        # The finalizer holds the weights: they must be there until the context is freed.
        self._free = weakref.finalize(
            self, _free, self._llama, pointer, weights.handle, weights.adapters
        )
        self._use_adapters(weights)
        self._memory = self._llama.llama_get_memory(pointer)
        self.capacity: int = self._llama.llama_n_ctx(pointer)
        self.texts = texts
        self.block: int = self._llama.llama_n_batch(pointer)
        # Nothing here may refer to the context, or it would be freed by the garbage collector only.
        using = partial(_using_threads, self._llama, pointer)
        self._threads = ThreadChoice(torch.get_num_threads(), using=using)

    def read(
        self,
        tokens: Ints,
        positions: Ints,
        outputs: NDArray[np.bool_],
        texts: Ints | None = None,
    ) -> Tensor:
        """Read at most ``block`` tokens in one forward pass.

        Args:
            tokens: Token ids, [k].
            positions: The position of each in its text.
            outputs: After which of them logits are wanted, at most ``OUTPUTS``.
            texts: The text of each; by default, all belong to the first.

        Returns:
            Raw logits after those tokens, [n, V], float32.

        Raises:
            TuneshiftError: The forward pass failed; what the texts hold is undefined.
        """
        wanted = outputs.astype(np.int8)
        batch = self._llama.llama_batch(n_tokens=len(tokens))
        batch.token, batch.pos = _pointer(tokens), _pointer(positions)
        batch.logits = wanted.ctypes.data_as(ctypes.POINTER(ctypes.c_int8))
        if texts is not None:
            counts = np.ones_like(texts)
            places = texts.ctypes.data + texts.itemsize * np.arange(len(texts), dtype=np.uintp)
            batch.n_seq_id = _pointer(counts)
            batch.seq_id = places.ctypes.data_as(ctypes.POINTER(ctypes.POINTER(ctypes.c_int32)))
        with self._threads.for_block(len(tokens)), collected_errors() as errors:
            status = self._llama.llama_decode(self._pointer, batch)
            if status == 0:
                self._llama.llama_synchronize(self._pointer)
        if status != 0:
            failure = _failure(status, errors, len(tokens), self._weights)
            raise failure from _memory_error(self._weights) if status == -2 else None
        return self._rows(np.flatnonzero(wanted))

    def shorten(self, length: int, text: int = 0) -> bool:
        """Forget the tokens of a text from ``length`` on; False, and no change, if it cannot."""
        done: bool = self._llama.llama_memory_seq_rm(self._memory, text, length, -1)
        return done

    def can_shorten(self, length: int, text: int = 0) -> bool:
        """Whether all is there that the token after the first ``length`` tokens attends to.

        The library may give cells to new tokens that a sliding window has left behind: it does so
        after a state was put back.
        """
        window = self._weights.window
        if window == 0 or length == 0:
            return True
        first: int = self._llama.llama_memory_seq_pos_min(self._memory, text)
        return first <= max(0, length + 1 - window)

    def state(self, text: int = 0) -> NDArray[np.uint8]:
        """A copy of the KV cache or recurrent state of a text, on the host.

        It lacks what a layer with a sliding window has left behind.
        """
        size = self._llama.llama_state_seq_get_size(self._pointer, text)
        held = np.empty(size, np.uint8)
        written = self._llama.llama_state_seq_get_data(self._pointer, _bytes(held), size, text)
        return held[:written]

    def put(self, state: NDArray[np.uint8], text: int = 0) -> bool:
        """Give a text a state that was copied before; False, and no tokens, if it does not fit."""
        read: int = self._llama.llama_state_seq_set_data(
            self._pointer, _bytes(state), len(state), text
        )
        return read > 0

    def whole_state(self) -> NDArray[np.uint8]:
        """A copy of everything that the context holds, on the host."""
        size = self._llama.llama_state_get_size(self._pointer)
        held = np.empty(size, np.uint8)
        return held[: self._llama.llama_state_get_data(self._pointer, _bytes(held), size)]

    def put_whole(self, state: NDArray[np.uint8]) -> bool:
        """Hold what a context for as many texts held; False if it does not fit."""
        read: int = self._llama.llama_state_set_data(self._pointer, _bytes(state), len(state))
        return read > 0

    def close(self) -> None:
        """Give the memory back."""
        self._free()

    def _parameters(self, capacity: int, options: ContextOptions, texts: int) -> Any:
        parameters = self._llama.llama_context_default_params()
        parameters.n_ctx = capacity
        parameters.n_batch = parameters.n_ubatch = BLOCK
        parameters.n_seq_max = texts
        parameters.n_outputs_max = max(OUTPUTS, texts)
        parameters.n_threads = parameters.n_threads_batch = torch.get_num_threads()
        parameters.type_k = parameters.type_v = options.kv_type.value
        if options.flash_attention is not None:
            parameters.flash_attn_type = int(options.flash_attention)
        elif options.kv_type is KvType.F32:
            parameters.flash_attn_type = 0
        parameters.swa_full = True  # keeps every token, so that any length can be rewound to
        parameters.kv_unified = True  # so that the state of a text fits into any other context
        return parameters

    def _use_adapters(self, weights: LlamaCppWeights) -> None:
        used = weights.adapters
        if used:
            pointers = (self._llama.llama_adapter_lora_p_ctypes * len(used))(
                *(adapter.pointer for adapter in used)
            )
            scales = (ctypes.c_float * len(used))(*(adapter.scale for adapter in used))
            self._llama.llama_set_adapters_lora(self._pointer, pointers, len(used), scales)

    def _rows(self, places: NDArray[np.intp]) -> Tensor:
        rows = torch.empty((len(places), self._weights.vocabulary_size), dtype=torch.float32)
        stride = rows.shape[1] * rows.itemsize
        for row, place in enumerate(places.tolist()):
            logits = self._llama.llama_get_logits_ith(self._pointer, place)
            ctypes.memmove(rows.data_ptr() + row * stride, logits, stride)
        return rows


def capacity_for(length: int, limit: int | None) -> int:
    """Tokens of a KV cache for a text of ``length`` tokens that may grow up to ``limit``."""
    capacity = FIRST_CAPACITY
    while capacity < length:
        capacity *= 2
    return capacity if limit is None else min(capacity, limit)


@contextmanager
def _using_threads(llama: Any, pointer: int, count: int) -> Iterator[None]:
    llama.llama_set_n_threads(pointer, count, count)
    yield


def _free(llama: Any, pointer: int, weights: object, adapters: object) -> None:
    llama.llama_free(pointer)


def _pointer(values: Ints) -> Any:
    return values.ctypes.data_as(ctypes.POINTER(ctypes.c_int32))


def _bytes(values: NDArray[np.uint8]) -> Any:
    return values.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))


def _memory_error(weights: LlamaCppWeights) -> Exception:
    """The cause of an error by which its reader knows that memory ran out, and where."""
    return MemoryError() if weights.device == CPU else RuntimeError("out of memory")


def _refusal(capacity: int, errors: list[str], weights: LlamaCppWeights) -> DeviceError:
    """The error for a context that cannot be made: for want of memory, or with these options."""
    said = errors[0] if errors else f"{weights.description} on {weights.device}"
    if errors and "alloc" not in said:
        return DeviceError(
            f"llama.cpp cannot compute {weights.files[0].name} with this KV cache",
            evidence=said,
            next_step="Choose f16, with which every model can be computed.",
        )
    error = DeviceError(
        f"llama.cpp has no memory for a KV cache of {capacity:,} tokens",
        evidence=said,
        next_step="Choose a shorter context, a smaller KV cache type or fewer GPU layers.",
    )
    error.__cause__ = _memory_error(weights)
    return error


def _failure(status: int, errors: list[str], tokens: int, weights: LlamaCppWeights) -> Exception:
    """The error for a status of ``llama_decode`` other than 0."""
    said = errors[0] if errors else f"status {status} for a block of {tokens:,} tokens"
    if status == 1:
        return ContextLengthError(
            "The KV cache of llama.cpp is full",
            evidence=said,
            next_step="Shorten the prompt or choose a longer context.",
        )
    if status == -2:
        return DeviceError(
            "llama.cpp ran out of memory in a forward pass",
            evidence=said,
            next_step="Close other programs, or choose a shorter context or fewer GPU layers.",
        )
    return ModelError(
        f"llama.cpp could not compute {weights.files[0].name}",
        evidence=said,
        next_step="Generate again; if it fails again, check that the file is intact.",
    )
