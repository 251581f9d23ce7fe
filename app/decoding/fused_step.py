"""A fused step: the forward passes of all roles, proxy-tuning and sampling as one computation.

All inputs (tokens, positions, alphas, sampling settings, noise keys) are copied to the device at
once, and all outputs (raw rows, sampled tokens) back at once, so that the host waits for the device
once in a step. The step is captured as a CUDA graph; without CUDA the same code runs uncaptured, as
tests do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.decoding.block_sampling import (
    SETTINGS,
    exponentials_of_all,
    process_block,
    sample_block,
    seen_in_block,
    settings_of,
)
from app.decoding.capture_stats import CaptureStats
from app.decoding.capturing import Action, ActionRunner, CaptureError, Mirror, run_sequentially
from app.decoding.checked_step import Captures, CheckedStep, difference_of_rows
from app.decoding.combining import Pair, combine_logits, pair_differences
from app.decoding.graphs import GraphedLanguageModel, captured_size
from app.decoding.noise import key_of, signed
from app.decoding.row_reduction import RowReduction
from app.decoding.sampling_inputs import SampledToken, SamplingInputs
from app.decoding.step_inputs import StepInputs, StepKind

_KEPT = 48
"""How many captured steps are kept; for a further one, the one that ran longest ago is dropped."""


def make_fused_steps(
    models: Sequence[object], pairs: Sequence[Pair], vocabulary_size: int, masked: Tensor | None
) -> FusedSteps | None:
    """The fused steps of an ensemble, or None if its models cannot be captured together."""
    graphed = [model for model in models if isinstance(model, GraphedLanguageModel)]
    together = len(graphed) == len(models) and len({model.device for model in graphed}) == 1
    return FusedSteps(graphed, pairs, vocabulary_size, masked) if together else None


def capture_stats_of(sources: Iterable[object]) -> CaptureStats:
    """Counts and costs of the captures of those ``sources`` that capture steps."""
    found = (
        each.captures.stats
        for each in sources
        if isinstance(each, FusedSteps | GraphedLanguageModel)
    )
    return sum(found, CaptureStats())


class FusedSteps:
    """The fused steps of one ensemble; each is captured when it is first needed.

    Args:
        models: The model of each model context, all on one device.
        pairs: The expert pairs, by index into ``models``.
        vocabulary_size: Columns of the rows.
        masked: Ids that are never sampled, [V] of bool, or None if there are none.

    Attributes:
        captures: The captures of these steps.
        not_captured: Why steps cannot be captured as a whole; empty until capturing has failed.
    """

    def __init__(
        self,
        models: Sequence[GraphedLanguageModel],
        pairs: Sequence[Pair],
        vocabulary_size: int,
        masked: Tensor | None,
    ) -> None:
        self._models = tuple(models)
        self._pairs = tuple(pairs)
        self._vocabulary_size = vocabulary_size
        self._masked = None if masked is None else masked.to(models[0].device)
        self._steps: dict[StepKind, _FusedStep] = {}  # the one that ran last is the last
        self._outputs: dict[tuple[int, RowReduction | None], Mirror] = {}
        self.captures = Captures(models[0].captures.capture)
        self._buffers: list[object] = []
        self.not_captured = ""

    def read(
        self, tokens: Sequence[int], precomputed: Mapping[int, Tensor], sampling: SamplingInputs
    ) -> tuple[Tensor, tuple[SampledToken, ...]]:
        """Read a block and sample a token after each of its tokens.

        The KV caches are written; :attr:`length` of the models is left to the caller.

        Args:
            tokens: Token ids of the block, [k].
            precomputed: Rows, [k, V], of model contexts that have read the block already.
            sampling: The inputs for sampling.

        Returns:
            The raw rows of every model context, [C, k, V], on the host, and k sampled tokens.

        Raises:
            CaptureError: The step cannot be captured; nothing was read.
        """
        sampling = self._own(sampling)
        reading = [model for place, model in enumerate(self._models) if place not in precomputed]
        size = captured_size(len(tokens), reading)
        for model in reading:
            model.ensure_capacity(model.length + size + 1)
        attended = max(model.attended(model.length + size + 1) for model in reading)
        step = self._step(StepKind.of(size, attended, precomputed, sampling))
        step.set_inputs(
            StepInputs(
                tuple(tokens),
                tuple(model.length for model in self._models),
                precomputed,
                sampling,
            )
        )
        try:
            step.run()
        except CaptureError as reason:
            self.not_captured = str(reason)
            raise
        return step.outputs()

    def _own(self, sampling: SamplingInputs) -> SamplingInputs:
        """The inputs without what belongs to another ensemble, as for a drafter on its own."""
        reduction = sampling.reduction
        if reduction and (reduction.contexts, reduction.pairs) != (len(self._models), self._pairs):
            reduction = None
        alphas = sampling.alphas if self._pairs else ()
        return replace(sampling, alphas=alphas, reduction=reduction)

    def release(self) -> None:
        """Drop all captured steps and release their memory."""
        self._steps.clear()
        self._outputs.clear()
        self._buffers = []

    def _step(self, key: StepKind) -> _FusedStep:
        buffers = [model.buffers for model in self._models]
        if any(a is not b for a, b in zip(buffers, self._buffers, strict=False)):
            self._steps.clear()
        self._buffers = buffers
        step = self._steps.pop(key, None) or self._make(key)
        while len(self._steps) >= _KEPT:
            del self._steps[next(iter(self._steps))]
        self._steps[key] = step
        return step

    def _make(self, key: StepKind) -> _FusedStep:
        rows = (len(self._models), key.size, self._vocabulary_size)
        device = self._models[0].device
        shared = (key.size, key.reduction)  # by all such kinds, which run in turn
        if shared not in self._outputs:
            self._outputs[shared] = Mirror(_output_shapes(rows, key.reduction), device)
        return _FusedStep(
            key, self.captures, self._models, self._pairs, self._masked, self._outputs[shared]
        )


def _output_shapes(
    rows: tuple[int, int, int], reduction: RowReduction | None
) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    """Shapes of the outputs of a step with ``rows``, [C, k, V]."""
    each = (rows[1],)
    length = 0 if reduction is None else reduction.length
    return {
        "rows": (rows, torch.float32),
        "sampled": (each, torch.int64),
        "probability": (each, torch.float64),
        "best": (each, torch.float64),
        "reduced": ((*each, length), torch.int32),
    }


class _FusedStep(CheckedStep):
    """One captured step with its input and output buffers, whose addresses never change."""

    def __init__(
        self,
        key: StepKind,
        captures: Captures,
        models: Sequence[GraphedLanguageModel],
        pairs: tuple[Pair, ...],
        masked: Tensor | None,
        outputs: Mirror,
    ) -> None:
        super().__init__(captures, key)
        self.parts = len(models) - len(key.precomputed)
        self._key = key
        self._given: StepInputs | None = None
        self._models = models
        self._pairs = pairs
        self._masked = masked
        self._outputs = outputs
        contexts, size, self._vocabulary_size = outputs.host["rows"].shape
        rows = (size, self._vocabulary_size)
        inputs = {
            "tokens": ((size,), torch.int64),
            "positions": ((contexts, size), torch.int64),
            "alphas": ((len(pairs),), torch.float32),
            "precomputed": ((len(key.precomputed), *rows), torch.float32),
        }
        inputs |= {name: ((1,), dtype) for name, dtype in SETTINGS.items()}
        if key.processors.samples:
            inputs["keys"] = ((size,), torch.int64)
        if key.processors.penalises:
            inputs["seen"] = ((self._vocabulary_size,), torch.bool)
        self._inputs = Mirror(inputs, models[0].device)

    def __str__(self) -> str:
        return str(self._key)

    def set_inputs(self, given: StepInputs) -> None:
        """Set the inputs of the step. Blocks are padded; the padding is overwritten later."""
        self._given = given
        self._copy(given)

    def set_own_inputs(self) -> None:
        assert self._given is not None
        self._copy(self._given)

    def set_inputs_of_check(self) -> None:
        assert self._given is not None
        self._copy(self._given.of_check(self._vocabulary_size))

    def set_inputs_of_capture(self) -> bool:
        assert self._given is not None
        others = self._given.of_capture()
        ends = [start + self._key.size for start in others.starts]
        limits = [model.context_length for model in self._models]
        if any(limit is not None and end > limit for end, limit in zip(ends, limits, strict=True)):
            return False
        self._copy(others)
        return True

    def _copy(self, given: StepInputs) -> None:
        """Copy inputs to the device."""
        tokens, sampling = given.tokens, given.sampling
        inputs, missing = self._inputs.host, self._key.size - len(tokens)
        inputs["tokens"].copy_(torch.tensor([*tokens, *[tokens[-1]] * missing]))
        starts = torch.tensor(given.starts)[:, None]
        inputs["positions"].copy_(starts + torch.arange(self._key.size))
        inputs["alphas"].copy_(torch.tensor(sampling.alphas))
        for name, value in settings_of(sampling.config, self._vocabulary_size).items():
            inputs[name].fill_(value)
        for place, rows in zip(inputs["precomputed"], self._key.precomputed, strict=True):
            place[: len(tokens)].copy_(given.precomputed[rows])
        if "keys" in inputs:
            positions = range(sampling.index, sampling.index + len(tokens))
            keys = [signed(key_of(sampling.config.seed, position)) for position in positions]
            inputs["keys"][: len(tokens)].copy_(torch.tensor(keys))
        if "seen" in inputs:
            inputs["seen"].zero_()[torch.from_numpy(sampling.history)] = True
        self._inputs.copy_to_device()

    def outputs(self) -> tuple[Tensor, tuple[SampledToken, ...]]:
        """Rows and sampled tokens of the step that was run; see :meth:`FusedSteps.read`."""
        assert self._given is not None
        self._outputs.copy_to_host()
        self._outputs.synchronize()
        outputs, sampling, count = self._outputs.host, self._given.sampling, len(self._given.tokens)
        sampled = zip(
            outputs["sampled"][:count].tolist(),
            outputs["probability"][:count].tolist(),
            self._packed(count),
            strict=True,
        )
        return outputs["rows"][:, :count].clone(), tuple(
            SampledToken(sampling.index + place, token_id, probability, sampling.alphas, packed)
            for place, (token_id, probability, packed) in enumerate(sampled)
        )

    def _packed(self, count: int) -> Sequence[NDArray[np.int32] | None]:
        """The packed statistics of the first ``count`` positions."""
        if self._key.reduction is None:
            return [None] * count
        return list(self._outputs.host["reduced"][:count].numpy().copy())

    def difference_from_uncaptured(self) -> str:
        replayed = {name: tensor.clone() for name, tensor in self._outputs.device.items()}
        self._sample()  # from the replayed rows
        sampled = _difference_of_samples(replayed, self._outputs.device)
        self.compute(run_sequentially)
        for place, model in enumerate(self._models):
            found = difference_of_rows(
                replayed["rows"][place], self._outputs.device["rows"][place], model.model.dtype
            )
            if found:
                return f"{found} in model {place + 1} of {len(self._models)}"
        return sampled

    def compute(self, runner: ActionRunner) -> None:
        inputs, rows = self._inputs.device, self._outputs.device["rows"]
        for place, precomputed in zip(self._key.precomputed, inputs["precomputed"], strict=True):
            rows[place].copy_(precomputed)
        runner(
            [self._forward(p) for p in range(len(self._models)) if p not in self._key.precomputed]
        )
        self._sample()

    def _sample(self) -> None:
        """Combine and sample from the rows."""
        inputs, outputs = self._inputs.device, self._outputs.device
        seen = seen_in_block(inputs["seen"], inputs["tokens"]) if "seen" in inputs else None
        combined = outputs["rows"][0]
        if self._pairs:
            differences = pair_differences(outputs["rows"], self._pairs, self._masked)
            combined = combine_logits(combined, differences, inputs["alphas"])
        scores = process_block(combined, seen, self._key.processors, inputs)
        keys = inputs.get("keys")
        noise = None if keys is None else exponentials_of_all(keys, scores.shape[-1])
        found = sample_block(scores, noise)
        for name, tensor in zip(("sampled", "probability", "best"), found, strict=True):
            outputs[name].copy_(tensor)
        if self._key.reduction is not None:
            found_rows = self._key.reduction(outputs["rows"], outputs["sampled"], inputs["alphas"])
            outputs["reduced"].copy_(found_rows)

    def _forward(self, place: int) -> Action:
        """The forward pass of one model context, with its rows over the base's columns."""

        def forward() -> None:
            inputs, rows = self._inputs.device, self._outputs.device["rows"][place]
            logits = self._models[place].forward_at(
                inputs["tokens"], inputs["positions"][place], self._key.attended
            )
            columns = min(rows.shape[-1], logits.shape[-1])
            rows[:, :columns].copy_(logits[:, :columns])
            if self._masked is not None:
                rows.masked_fill_(self._masked, float("-inf"))

        return forward


def _difference_of_samples(replayed: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """How tokens that were sampled from the same rows differ; empty if they do not."""
    if not torch.equal(replayed["sampled"], expected["sampled"]):
        return "other tokens are sampled from the same logits"
    for name in ("probability", "best"):
        if not torch.allclose(replayed[name], expected[name], rtol=1e-4, atol=0, equal_nan=True):
            return "tokens are sampled with other probabilities"
    if not torch.equal(replayed["reduced"], expected["reduced"]):
        return "the same logits have other statistics"
    return ""
