"""A language model whose short steps are CUDA graphs: one launch instead of hundreds.

Keys and values lie in buffers that never move, and where a token is written and what it may attend
to is read from a tensor. So a graph that was captured once serves every step of its size. Without
CUDA the same code runs uncaptured, which is how it is tested.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from app.decoding.language_model import TransformersLanguageModel

LONGEST = 17
"""Blocks up to this size are captured: one token, or the longest draft after it."""
_LEAST_ROOM = 512
_WARM_UPS = 2  # libraries allocate what they work with in the first runs


def make_language_model(
    model: PreTrainedModel, context_length: int | None = None
) -> TransformersLanguageModel:
    """The fastest language model that is right for ``model`` on its device."""
    if model.device.type == "cuda" and not why_not_captured(model):
        return GraphedLanguageModel(model, context_length)
    return TransformersLanguageModel(model, context_length)


def why_not_captured(model: PreTrainedModel) -> str:
    """What keeps the steps of ``model`` from being captured, or an empty text."""
    if getattr(model.config, "quantization_config", None) is not None:
        return "its weights are quantised"  # bitsandbytes decides on the host while it computes
    if len({tensor.device for tensor in model.parameters()}) > 1 or hasattr(model, "_hf_hook"):
        return "its layers are on several devices"
    if model.config._attn_implementation != "sdpa":
        return f"its attention is {model.config._attn_implementation}"
    kinds = {type(layer) for layer in DynamicCache(config=model.config).layers}
    if kinds != {DynamicLayer}:
        return "not all of its layers attend to the whole text"
    return ""


class GraphedLanguageModel(TransformersLanguageModel):
    """A :class:`LanguageModel` over a model that :func:`why_not_captured` has nothing against.

    Args:
        model: What to evaluate.
        context_length: The most tokens to read, where that is fewer than the model can.
        capture: Whether to capture; where not, the same steps are computed without graphs.
    """

    def __init__(
        self, model: PreTrainedModel, context_length: int | None = None, *, capture: bool = True
    ) -> None:
        super().__init__(model, context_length)
        self.not_captured = "" if capture else "capturing is off"
        """Why steps are not captured, or an empty text."""
        self._layers = [
            _FixedLayer() for _ in range(model.config.get_text_config().num_hidden_layers)
        ]
        self._graphs: dict[int, _Step] = {}

    @property
    def can_rewind(self) -> bool:
        return True

    def extend(self, tokens: Tensor, last: int = 1) -> Tensor:
        size, start = tokens.shape[0], self.length
        self._make_room(start + size)
        inputs = torch.stack([tokens, torch.arange(start, start + size)])
        if start and size <= LONGEST:
            logits = self._step(inputs)[-last:]
        else:  # without a mask, the beginning of a prompt has the fastest kernel
            logits = self._forward(inputs.to(self._device), last, masked=start > 0 or size == 1)
        self.length += size
        return logits

    def rewind(self, length: int) -> None:
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot rewind {self.length} tokens to {length}")
        self.length = length  # what lies behind it is masked, and written over
        if length == 0:
            self._graphs.clear()
            for layer in self._layers:
                layer.room = 0
                layer.reset()

    def _make_room(self, tokens: int) -> None:
        if tokens > self._layers[0].room:
            room = max(_LEAST_ROOM, 1 << (tokens - 1).bit_length())
            self._graphs.clear()  # they know the old buffers
            for layer in self._layers:
                layer.room = room

    def _step(self, inputs: Tensor) -> Tensor:
        size = inputs.shape[1]
        if size not in self._graphs:
            self._graphs[size] = _Step(
                lambda given: self._forward(given, size, masked=True), size, self._device
            )
        step = self._graphs[size]
        step.give(inputs)
        if not self.not_captured and not step.captured:
            self.not_captured = step.capture()
        return step.run()

    def _forward(self, inputs: Tensor, last: int, *, masked: bool) -> Tensor:
        """Read ids at positions, [2, k]; the cache is written at the positions."""
        ids, positions = inputs
        for layer in self._layers:
            layer.positions = positions
        cache = DynamicCache(config=self.model.config)
        cache.layers = list(self._layers)
        room = torch.arange(self._layers[0].room, device=inputs.device)
        output = self.model(
            input_ids=ids[None],
            position_ids=positions[None],
            attention_mask=(room <= positions[:, None])[None, None] if masked else None,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=last,
        )
        logits: Tensor = output.logits[0].float()
        return logits


class _FixedLayer(DynamicLayer):
    """Keys and values, [1, heads, room, size], written at ``positions``."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.room = 0
        self.positions = torch.empty(0, dtype=torch.int64)

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        assert self.keys is not None
        assert self.values is not None
        if self.keys.shape[-2:-1] != (self.room,):
            self.keys = _with_room(self.keys, key_states, self.room)
            self.values = _with_room(self.values, value_states, self.room)
        self.keys.index_copy_(2, self.positions, key_states)
        self.values.index_copy_(2, self.positions, value_states)
        return self.keys, self.values

    def get_seq_length(self) -> int:
        """Asked for the first block alone, which is read without a mask."""
        return 0

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.room, 0


def _with_room(held: Tensor, states: Tensor, room: int) -> Tensor:
    """A buffer that begins with ``held``. In it are zeros: what is masked is multiplied by 0."""
    buffer = states.new_zeros((*states.shape[:-2], room, states.shape[-1]))
    if held.numel():
        buffer[..., : held.shape[-2], :] = held
    return buffer


class _Step:
    """One computation of one size, captured or not.

    Args:
        compute: From ids and positions, [2, k], to logits, [k, V].
        size: k.
        device: Where.
    """

    def __init__(
        self, compute: Callable[[Tensor], Tensor], size: int, device: torch.device
    ) -> None:
        self._compute = compute
        self._inputs = torch.zeros((2, size), dtype=torch.int64, device=device)
        self._output = torch.empty(0)
        self._graph: torch.cuda.CUDAGraph | None = None

    @property
    def captured(self) -> bool:
        return self._graph is not None

    def give(self, inputs: Tensor) -> None:
        self._inputs.copy_(inputs, non_blocking=True)

    def capture(self) -> str:
        """Capture the computation; returns why that is not possible, or an empty text.

        It is computed with the inputs that were given a few times over, which writes the same keys
        and values to the same places.
        """
        try:
            beside = torch.cuda.Stream()
            beside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(beside):
                for _ in range(_WARM_UPS):
                    self._compute(self._inputs)
            torch.cuda.current_stream().wait_stream(beside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self._output = self._compute(self._inputs)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            return str(error).partition("\n")[0]
        self._graph = graph
        return ""

    def run(self) -> Tensor:
        """The logits, which stay as they are when it runs again."""
        if self._graph is None:
            return self._compute(self._inputs)
        self._graph.replay()
        return self._output.clone()
