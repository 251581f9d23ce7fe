"""A language model whose short steps are CUDA graphs: one launch instead of hundreds.

Keys and values are in buffers of fixed address; the positions to write and to attend to are read
from a tensor. A graph that was captured once therefore serves every step of its size, of this model
alone or within a fused step (:mod:`app.decoding.fused_step`). Without CUDA the same code runs
uncaptured, as tests do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from app.decoding.cache_support import computes_own_positions, why_not_cached
from app.decoding.capturing import ActionRunner, Capture, CaptureError, CudaGraphs
from app.decoding.checked_step import Captures, CheckedStep, difference_of_rows, other_token
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.rescaled_model import RescaledLanguageModel
from app.decoding.rotary_scaling import longest_unscaled
from app.decoding.uncached_model import UncachedLanguageModel

SIZES = (1, 2, 3, 5, 9, 17)
"""Blocks are padded to one of these sizes, so that few graphs are needed."""
LONGEST = SIZES[-1]
"""Blocks up to this size are captured: one token, or the longest draft after it."""
_MIN_CAPACITY = 512


def make_language_model(
    model: PreTrainedModel, context_length: int | None = None
) -> TransformersLanguageModel:
    """The fastest implementation that supports ``model`` on its device."""
    if why_not_cached(model):
        return UncachedLanguageModel(model, context_length)
    reader = TransformersLanguageModel(model, context_length)
    unscaled = longest_unscaled(model.config)
    if unscaled and (reader.context_length is None or reader.context_length > unscaled):
        return RescaledLanguageModel(model, context_length)
    if model.device.type == "cuda" and not why_not_captured(model):
        return GraphedLanguageModel(model, context_length, capture=CudaGraphs(model.device))
    return reader


def why_not_captured(model: PreTrainedModel) -> str:
    """Why the steps of ``model`` cannot be captured; empty if they can."""
    if getattr(model.config, "quantization_config", None) is not None:
        return "its weights are quantised"  # bitsandbytes decides on the host while it computes
    if len({tensor.device for tensor in model.parameters()}) > 1 or hasattr(model, "_hf_hook"):
        return "its layers are on several devices"
    if model.config._attn_implementation != "sdpa":
        return f"its attention is {model.config._attn_implementation}"
    kinds = {type(layer) for layer in DynamicCache(config=model.config).layers}
    if kinds != {DynamicLayer}:
        return "not all of its layers attend to the whole text"
    if computes_own_positions(model):
        return "it counts positions itself"
    return ""


class GraphedLanguageModel(TransformersLanguageModel):
    """A :class:`LanguageModel` over a model that :func:`why_not_captured` has nothing against.

    Args:
        model: The transformers model.
        context_length: A limit of tokens below the model's own, or None.
        capture: Captures its steps.

    Attributes:
        captures: The captures of its steps.
        not_captured: Why steps of this model alone are not captured; empty if they are or may be.
        buffers: An object that is replaced when keys and values move, which invalidates graphs.
    """

    def __init__(
        self, model: PreTrainedModel, context_length: int | None = None, *, capture: Capture
    ) -> None:
        super().__init__(model, context_length)
        self.captures = Captures(capture)
        self.not_captured = ""
        self.buffers = object()
        self._layers = [
            _FixedLayer() for _ in range(model.config.get_text_config().num_hidden_layers)
        ]
        self._steps: dict[int, _Step] = {}

    @property
    def device(self) -> torch.device:
        """The device of the model."""
        return self._device

    @property
    def can_rewind(self) -> bool:
        return True

    def extend(self, tokens: Tensor, last: int = 1) -> Tensor:
        count, start = tokens.shape[0], self.length
        if start and count <= LONGEST:
            logits = self._step(tokens)[count - last : count]
        else:  # the first block needs no mask, for which the fastest kernel is used
            self.ensure_capacity(start + count)
            positions = torch.arange(start, start + count, device=self._device)
            masked = start > 0 or count == 1
            logits = self._forward(tokens.to(self._device), positions, last, masked=masked)
        self.length += count
        return logits

    def rewind(self, length: int) -> None:
        """See :meth:`LanguageModel.rewind`.

        At length 0 long buffers are released; short ones are kept with the graphs that use them.
        """
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot rewind {self.length} tokens to {length}")
        self.length = length  # later positions are masked until they are overwritten
        if length == 0 and self._layers[0].capacity > _MIN_CAPACITY:
            self._move(0)
            for layer in self._layers:
                layer.reset()

    def ensure_capacity(self, tokens: int) -> None:
        """Grow the KV cache to hold at least ``tokens`` tokens."""
        if tokens > self._layers[0].capacity:
            self._move(max(_MIN_CAPACITY, 1 << (tokens - 1).bit_length()))

    def forward_at(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """The logits, [k, V], float32, after ``tokens``, [k], at ``positions``, [k].

        The KV cache has to hold all earlier positions and to have the capacity for these. The host
        does not wait for the device, and :attr:`length` is not changed.
        """
        return self._forward(tokens, positions, tokens.shape[0], masked=True)

    def _move(self, capacity: int) -> None:
        self._steps.clear()  # their graphs refer to the old buffers
        self.buffers = object()
        for layer in self._layers:
            layer.capacity = capacity

    def _step(self, tokens: Tensor) -> Tensor:
        size = captured_size(tokens.shape[0], [self])
        self.ensure_capacity(self.length + size + 1)
        if size not in self._steps:
            self._steps[size] = _Step(self, size)
        step = self._steps[size]
        step.set_inputs(tokens, self.length)
        try:
            if self.not_captured:
                step.compute_uncaptured()
            else:
                step.run()
        except CaptureError as reason:
            self.not_captured = str(reason)
            step.compute_uncaptured()
        return step.logits.clone()

    def _forward(self, tokens: Tensor, positions: Tensor, last: int, *, masked: bool) -> Tensor:
        """Run the model; keys and values are written at ``positions``."""
        for layer in self._layers:
            layer.positions = positions
        cache = DynamicCache(config=self.model.config)
        cache.layers = list(self._layers)
        cached = torch.arange(self._layers[0].capacity, device=positions.device)
        output = self.model(
            input_ids=tokens[None],
            position_ids=positions[None],
            attention_mask=(cached <= positions[:, None])[None, None] if masked else None,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=last,
        )
        logits: Tensor = output.logits[0].float()
        return logits


def captured_size(count: int, models: Iterable[TransformersLanguageModel]) -> int:
    """The padded size of a block of ``count`` tokens, if the context allows the padding."""
    size = next(size for size in SIZES if size >= count)
    remaining = (
        model.context_length - model.length for model in models if model.context_length is not None
    )
    return size if size <= min(remaining, default=size) else count


class _FixedLayer(DynamicLayer):
    """Keys and values of one layer, [1, heads, capacity, size], written at ``positions``."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.capacity = 0
        self.positions = torch.empty(0, dtype=torch.int64)

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        assert self.keys is not None
        assert self.values is not None
        if self.keys.shape[-2:-1] != (self.capacity,):
            self.keys = _resized(self.keys, key_states, self.capacity)
            self.values = _resized(self.values, value_states, self.capacity)
        self.keys.index_copy_(2, self.positions, key_states)
        self.values.index_copy_(2, self.positions, value_states)
        return self.keys, self.values

    def get_seq_length(self) -> int:
        """Used by transformers for the first block only, which is read without a mask."""
        return 0

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.capacity, 0


def _resized(held: Tensor, states: Tensor, capacity: int) -> Tensor:
    """A buffer that begins with ``held``; the rest is 0, since masked values are multiplied."""
    buffer = states.new_zeros((*states.shape[:-2], capacity, states.shape[-1]))
    if held.numel():
        buffer[..., : held.shape[-2], :] = held
    return buffer


class _Step(CheckedStep):
    """A captured step of one model and one block size.

    Attributes:
        logits: The logits, [k, V], which the next computation overwrites.
    """

    def __init__(self, model: GraphedLanguageModel, size: int) -> None:
        super().__init__(model.captures, size)
        self._model = model
        self._size = size
        self._given: tuple[Tensor, int] | None = None
        self._tokens, self._positions = torch.zeros(
            (2, size), dtype=torch.int64, device=model.device
        )
        self.logits = torch.zeros((size, model.vocabulary_size), device=model.device)

    def __str__(self) -> str:
        return "steps of 1 token" if self._size == 1 else f"steps of {self._size} tokens"

    def set_inputs(self, tokens: Tensor, start: int) -> None:
        """Set the tokens, padded with the last one, and the position of the first."""
        self._given = tokens, start
        self._copy(tokens, start)

    def set_own_inputs(self) -> None:
        assert self._given is not None
        self._copy(*self._given)

    def set_inputs_of_capture(self) -> bool:
        assert self._given is not None
        tokens, start = self._given
        limit = self._model.context_length
        if limit is not None and start + 1 + self._size > limit:
            return False
        others = [other_token(token) for token in tokens.tolist()]
        self._copy(torch.tensor(others), start + 1)
        return True

    def set_inputs_of_check(self) -> None:
        self.set_own_inputs()

    def _copy(self, tokens: Tensor, start: int) -> None:
        """Copy inputs to the device."""
        filled = torch.cat([tokens, tokens[-1:].expand(self._size - tokens.shape[0])])
        self._tokens.copy_(filled)
        self._positions.copy_(torch.arange(start, start + self._size))

    def compute(self, runner: ActionRunner) -> None:
        self.logits.copy_(self._model.forward_at(self._tokens, self._positions))

    def difference_from_uncaptured(self) -> str:
        replayed = self.logits.clone()
        self.compute_uncaptured()
        return difference_of_rows(replayed, self.logits, self._model.model.dtype)
