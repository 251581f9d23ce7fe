"""A language model whose short steps are CUDA graphs: one launch instead of hundreds.

Keys and values are in buffers of fixed address (:mod:`app.decoding.fixed_cache`). A graph that was
captured once therefore serves every step of its size, of this model alone or within a fused step
(:mod:`app.decoding.fused_step`). Without CUDA the same code runs uncaptured, as tests do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from app.decoding.cache_state import CacheState
from app.decoding.cache_support import (
    computes_own_positions,
    counts_experts_on_host,
    needs_exact_keys,
    why_not_cached,
)
from app.decoding.capturing import ActionRunner, Capture, CaptureError, CudaGraphs
from app.decoding.checked_step import Captures, CheckedStep, difference_of_rows, other_token
from app.decoding.fixed_cache import FixedCache, FixedCacheState, mask_of, why_not_fixed
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.rescaled_model import RescaledLanguageModel
from app.decoding.rotary_scaling import longest_unscaled
from app.decoding.step_sizes import LONGEST, SIZES, USUAL_CONTEXT
from app.decoding.uncached_model import UncachedLanguageModel

_LEAST_ATTENDED = 1024
_UNIT = 256
"""Capacities are multiples of it, for which kernels need no padding."""


def make_language_model(
    model: PreTrainedModel, context_length: int | None = None, expected: int | None = None
) -> TransformersLanguageModel:
    """The fastest implementation that supports ``model`` on its device.

    Args:
        model: The transformers model.
        context_length: A limit of tokens below the model's own, or None.
        expected: The number of tokens that texts are expected to have, or None if unknown.
    """
    if why_not_cached(model):
        return UncachedLanguageModel(model, context_length)
    reader = TransformersLanguageModel(model, context_length)
    unscaled = longest_unscaled(model.config)
    if unscaled and (reader.context_length is None or reader.context_length > unscaled):
        return RescaledLanguageModel(model, context_length)
    if model.device.type == "cuda" and not why_not_captured(model):
        capture = CudaGraphs(model.device)
        return GraphedLanguageModel(model, context_length, capture=capture, expected=expected)
    return reader


def why_not_captured(model: PreTrainedModel) -> str:
    """Why the steps of ``model`` cannot be captured; empty if they can."""
    if torch.version.hip is not None:
        return "graphs of ROCm are not used"
    if reason := _why_quantization_is_not_captured(model):
        return reason
    if len({tensor.device for tensor in model.parameters()}) > 1 or hasattr(model, "_hf_hook"):
        return "its layers are on several devices"
    if mask_of(model.config) is None:
        return f"its attention is {model.config._attn_implementation}"
    if reason := why_not_fixed(model.config):
        return reason
    if computes_own_positions(model):
        return "it counts positions itself"
    if counts_experts_on_host(model):
        return "it asks the device how many tokens each of its experts has"
    if needs_exact_keys(model):
        return "its attention needs exactly the keys of the tokens that were read"
    return ""


def _why_quantization_is_not_captured(model: PreTrainedModel) -> str:
    stored = getattr(model.config, "quantization_config", None)
    if stored is None:
        return ""
    settings = stored if isinstance(stored, dict) else stored.to_dict()
    if settings.get("load_in_4bit"):  # one kernel of bitsandbytes, whatever the values are
        return ""
    if settings.get("load_in_8bit"):
        return "its 8-bit weights are multiplied after a question to the device: outliers or not"
    return "its weights are quantised"


class GraphedLanguageModel(TransformersLanguageModel):
    """A :class:`LanguageModel` over a model that :func:`why_not_captured` has nothing against.

    Args:
        model: The transformers model.
        context_length: A limit of tokens below the model's own, or None.
        capture: Captures its steps.
        expected: The number of tokens that texts are expected to have, or None if unknown.

    Attributes:
        captures: The captures of its steps.
        not_captured: Why steps of this model alone are not captured; empty if they are or may be.
        buffers: An object that is replaced when keys and values move, which invalidates graphs.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        context_length: int | None = None,
        *,
        capture: Capture,
        expected: int | None = None,
    ) -> None:
        super().__init__(model, context_length)
        self.captures = Captures(capture)
        self.not_captured = ""
        self.buffers = object()
        self._fixed = FixedCache(model)
        limit = self.context_length
        self._expected = min(expected or USUAL_CONTEXT, limit or USUAL_CONTEXT)
        self._steps: dict[tuple[int, int], _Step] = {}

    @property
    def device(self) -> torch.device:
        """The device of the model."""
        return self._device

    @property
    def buffer_bytes(self) -> int:
        """Bytes of the KV cache, which are held between texts too."""
        return self._fixed.size

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
            logits = self._forward(
                tokens.to(self._device), positions, last, start + count, masked=start > 0
            )
        self.length += count
        return logits

    def rewind(self, length: int) -> None:
        """See :meth:`LanguageModel.rewind`. The buffers are kept, with the graphs that use them."""
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot rewind {self.length} tokens to {length}")
        if length == 0 and self.length:
            self._fixed.clear()
        self.length = length  # later positions are masked until they are overwritten

    def take_state(self) -> CacheState | None:
        if not self.length:
            return None
        state = self._fixed.state(self.length)
        self.rewind(0)
        return state

    def state_of(self, held: Sequence[tuple[Tensor, Tensor]]) -> CacheState:
        length = held[0][0].shape[-2]
        return FixedCacheState(tuple(held), length).copy(length)

    def put_state(self, state: CacheState) -> None:
        assert isinstance(state, FixedCacheState)
        self.ensure_capacity(state.length)
        self._fixed.put(state)
        self.length = state.length

    def release(self) -> None:
        """Empty the KV cache and release its buffers and the captured steps."""
        self.length = 0
        self._forget_steps()
        self._fixed.release()

    def ensure_capacity(self, tokens: int) -> None:
        """Move to buffers that hold at least ``tokens`` tokens if those in use do not.

        The first buffers hold the expected number of tokens, later ones twice as many as before.
        """
        if tokens <= self._fixed.capacity:
            return
        self._forget_steps()
        wanted = max(2 * self._fixed.capacity, self._expected)
        wanted = min(wanted, self.context_length or wanted)
        try:
            # One position more, with which the last step of the context can be captured.
            self._fixed.resize(_rounded(max(tokens, wanted + 1)), self.length)
        except torch.OutOfMemoryError:
            self._fixed.resize(_rounded(tokens), self.length)

    def attended(self, tokens: int) -> int:
        """How many positions a step attends to that reads up to ``tokens`` tokens of the text.

        There are few such numbers, since each of them needs a graph.
        """
        enough = max(_LEAST_ATTENDED, 1 << (tokens - 1).bit_length())
        return min(enough, self._fixed.capacity)

    def forward_at(self, tokens: Tensor, positions: Tensor, attended: int) -> Tensor:
        """The logits, [k, V], float32, after ``tokens``, [k], at ``positions``, [k].

        The KV cache has to hold all earlier positions and to have the capacity for these; the first
        ``attended`` positions are attended to and have to include these. The host does not wait for
        the device, and :attr:`length` is not changed.
        """
        attended = min(attended, self._fixed.capacity)
        return self._forward(tokens, positions, tokens.shape[0], attended, masked=True)

    def _forget_steps(self) -> None:
        self._steps.clear()  # their graphs refer to the old buffers
        self.buffers = object()

    def _step(self, tokens: Tensor) -> Tensor:
        size = captured_size(tokens.shape[0], [self])
        self.ensure_capacity(self.length + size + 1)
        kind = size, self.attended(self.length + size + 1)
        if kind not in self._steps:
            self._steps[kind] = _Step(self, *kind)
        step = self._steps[kind]
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

    def _forward(
        self, tokens: Tensor, positions: Tensor, last: int, attended: int, *, masked: bool
    ) -> Tensor:
        """Run the model; keys and values are written at ``positions``."""
        output = self.model(
            input_ids=tokens[None],
            position_ids=positions[None],
            attention_mask=self._fixed.masks(positions, attended) if masked else None,
            past_key_values=self._fixed.at(positions, attended),
            use_cache=True,
            logits_to_keep=last,
        )
        logits: Tensor = output.logits[0].float()
        return logits


def _rounded(tokens: int) -> int:
    return _UNIT * -(-tokens // _UNIT)


def captured_size(count: int, models: Iterable[TransformersLanguageModel]) -> int:
    """The padded size of a block of ``count`` tokens, if the context allows the padding."""
    size = next(size for size in SIZES if size >= count)
    remaining = (
        model.context_length - model.length for model in models if model.context_length is not None
    )
    return size if size <= min(remaining, default=size) else count


class _Step(CheckedStep):
    """A captured step of one model, one block size and one number of attended positions.

    Attributes:
        logits: The logits, [k, V], which the next computation overwrites.
    """

    def __init__(self, model: GraphedLanguageModel, size: int, attended: int) -> None:
        super().__init__(model.captures, (size, attended))
        self._model = model
        self._size = size
        self._attended = attended
        self._given: tuple[Tensor, int] | None = None
        self._tokens, self._positions = torch.zeros(
            (2, size), dtype=torch.int64, device=model.device
        )
        self.logits = torch.zeros((size, model.vocabulary_size), device=model.device)

    def __str__(self) -> str:
        return f"steps of {self._size} tokens that attend to {self._attended:,}"

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
        rows = self._model.forward_at(self._tokens, self._positions, self._attended)
        self.logits.copy_(rows)

    def difference_from_uncaptured(self) -> str:
        replayed = self.logits.clone()
        self.compute_uncaptured()
        return difference_of_rows(replayed, self.logits, self._model.model.dtype)
