"""A fused step: the forward passes of all roles, proxy-tuning and sampling as one computation.

All inputs (tokens, positions, alphas, sampling settings, noise keys) are copied to the device at
once, and all outputs (raw rows, sampled tokens) back at once, so that the host waits for the device
once in a step. The step is captured as a CUDA graph; without CUDA the same code runs uncaptured, as
tests do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from app.decoding.block_sampling import (
    SETTINGS,
    Processors,
    exponentials_of_all,
    process_block,
    sample_block,
    seen_in_block,
    settings_of,
)
from app.decoding.capturing import Action, ActionRunner, CaptureError, Mirror
from app.decoding.combining import Pair, combine_logits, pair_differences
from app.decoding.graphs import GraphedLanguageModel, captured_size
from app.decoding.noise import Ids, key_of, signed
from app.decoding.types import GenerationConfig

_KEPT = 24
"""How many captured steps are kept; when a further one is needed, all of them are dropped."""


@dataclass(frozen=True, slots=True, eq=False)
class SamplingInputs:
    """What sampling after a block needs, as far as it is known before the block is read.

    Attributes:
        index: Index of the first sampled token among the generated tokens.
        config: The sampling settings.
        alphas: The α of each pair, [P]; those that the token before was sampled with.
        history: Token ids before the first sampled token, [n], the block's first token included.
    """

    index: int
    config: GenerationConfig
    alphas: tuple[float, ...]
    history: Ids


@dataclass(frozen=True, slots=True)
class SampledToken:
    """A token that was sampled on the device in the step that computed its logits.

    Attributes:
        index: Its index among the generated tokens.
        token_id: Its id.
        probability: Its probability after the processors.
        alphas: The alphas it was sampled with.
    """

    index: int
    token_id: int
    probability: float
    alphas: tuple[float, ...]


def make_fused_steps(
    models: Sequence[object], pairs: Sequence[Pair], vocabulary_size: int, masked: Tensor | None
) -> FusedSteps | None:
    """The fused steps of an ensemble, or None if its models cannot be captured together."""
    graphed = [model for model in models if isinstance(model, GraphedLanguageModel)]
    together = len(graphed) == len(models) and len({model.device for model in graphed}) == 1
    return FusedSteps(graphed, pairs, vocabulary_size, masked) if together else None


class FusedSteps:
    """The fused steps of one ensemble; each is captured when it is first needed.

    Args:
        models: The model of each model context, all on one device.
        pairs: The expert pairs, by index into ``models``.
        vocabulary_size: Columns of the rows.
        masked: Ids that are never sampled, [V] of bool, or None if there are none.

    Attributes:
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
        self._steps: dict[_StepKey, _FusedStep] = {}
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
        reading = [model for place, model in enumerate(self._models) if place not in precomputed]
        size = captured_size(len(tokens), reading)
        for model in reading:
            model.ensure_capacity(model.length + size)
        step = self._step(_StepKey.of(size, precomputed, sampling.config))
        step.set_inputs(
            tokens, precomputed, sampling if self._pairs else replace(sampling, alphas=())
        )
        try:
            return step.run(len(tokens), sampling)
        except CaptureError as reason:
            self.not_captured = str(reason)
            raise

    def clear(self) -> None:
        """Drop all captured steps and release their memory."""
        self._steps.clear()
        self._buffers = []

    def _step(self, key: _StepKey) -> _FusedStep:
        buffers = [model.buffers for model in self._models]
        moved = any(a is not b for a, b in zip(buffers, self._buffers, strict=False))
        if moved or (len(self._steps) >= _KEPT and key not in self._steps):
            self._steps.clear()
        self._buffers = buffers
        if key not in self._steps:
            self._steps[key] = _FusedStep(
                key, self._models, self._pairs, self._vocabulary_size, self._masked
            )
        return self._steps[key]


@dataclass(frozen=True, slots=True)
class _StepKey:
    """Identifies a captured step: everything that its graph depends on.

    Attributes:
        size: Number of tokens that are read.
        precomputed: Indices of the model contexts that do not read them.
        processors: The processors of sampling; their settings are inputs.
    """

    size: int
    precomputed: tuple[int, ...]
    processors: Processors

    @classmethod
    def of(cls, size: int, precomputed: Mapping[int, Tensor], config: GenerationConfig) -> _StepKey:
        return cls(size, tuple(sorted(precomputed)), Processors.of(config))


class _FusedStep:
    """One captured step with its input and output buffers, whose addresses never change."""

    def __init__(
        self,
        key: _StepKey,
        models: Sequence[GraphedLanguageModel],
        pairs: tuple[Pair, ...],
        vocabulary_size: int,
        masked: Tensor | None,
    ) -> None:
        self._key = key
        self._models = models
        self._pairs = pairs
        self._vocabulary_size = vocabulary_size
        self._masked = masked
        self._capture = models[0].capture
        self._run: Action | None = None
        size, contexts, device = key.size, len(models), models[0].device
        rows = (size, vocabulary_size)
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
            inputs["seen"] = ((vocabulary_size,), torch.bool)
        self._inputs = Mirror(inputs, device)
        self._outputs = Mirror(
            {
                "rows": ((contexts, *rows), torch.float32),
                "sampled": ((size,), torch.int64),
                "probability": ((size,), torch.float64),
            },
            device,
        )

    def set_inputs(
        self, tokens: Sequence[int], precomputed: Mapping[int, Tensor], sampling: SamplingInputs
    ) -> None:
        """Copy the inputs to the device. Blocks are padded; the padding is overwritten later."""
        inputs, missing = self._inputs.host, self._key.size - len(tokens)
        inputs["tokens"].copy_(torch.tensor([*tokens, *[tokens[-1]] * missing]))
        starts = torch.tensor([[model.length] for model in self._models])
        inputs["positions"].copy_(starts + torch.arange(self._key.size))
        inputs["alphas"].copy_(torch.tensor(sampling.alphas))
        for name, value in settings_of(sampling.config, self._vocabulary_size).items():
            inputs[name].fill_(value)
        for place, rows in zip(inputs["precomputed"], self._key.precomputed, strict=True):
            place[: len(tokens)].copy_(precomputed[rows])
        if "keys" in inputs:
            positions = range(sampling.index, sampling.index + len(tokens))
            keys = [signed(key_of(sampling.config.seed, position)) for position in positions]
            inputs["keys"][: len(tokens)].copy_(torch.tensor(keys))
        if "seen" in inputs:
            inputs["seen"].zero_()[torch.from_numpy(sampling.history)] = True
        self._inputs.copy_to_device()

    def run(self, count: int, sampling: SamplingInputs) -> tuple[Tensor, tuple[SampledToken, ...]]:
        """Run the step and return the outputs for its first ``count`` tokens; see ``read``."""
        if self._run is None:
            self._run = self._capture(
                self._compute, parts=len(self._models) - len(self._key.precomputed)
            )
        self._run()
        self._outputs.copy_to_host()
        self._outputs.synchronize()
        outputs = self._outputs.host
        sampled = zip(
            outputs["sampled"][:count].tolist(),
            outputs["probability"][:count].tolist(),
            strict=True,
        )
        alphas = sampling.alphas if self._pairs else ()
        return outputs["rows"][:, :count].clone(), tuple(
            SampledToken(sampling.index + place, token_id, probability, alphas)
            for place, (token_id, probability) in enumerate(sampled)
        )

    def _compute(self, runner: ActionRunner) -> None:
        inputs, outputs = self._inputs.device, self._outputs.device
        rows = outputs["rows"]
        for place, precomputed in zip(self._key.precomputed, inputs["precomputed"], strict=True):
            rows[place].copy_(precomputed)
        runner(
            [self._forward(p) for p in range(len(self._models)) if p not in self._key.precomputed]
        )
        seen = seen_in_block(inputs["seen"], inputs["tokens"]) if "seen" in inputs else None
        combined = rows[0]
        if self._pairs:
            differences = pair_differences(rows, self._pairs, self._masked)
            combined = combine_logits(combined, differences, inputs["alphas"])
        scores = process_block(combined, seen, self._key.processors, inputs)
        keys = inputs.get("keys")
        noise = None if keys is None else exponentials_of_all(keys, scores.shape[-1])
        sampled, probability = sample_block(scores, noise)
        outputs["sampled"].copy_(sampled)
        outputs["probability"].copy_(probability)

    def _forward(self, place: int) -> Action:
        """The forward pass of one model context, with its rows over the base's columns."""

        def forward() -> None:
            inputs, rows = self._inputs.device, self._outputs.device["rows"][place]
            logits = self._models[place].forward_at(inputs["tokens"], inputs["positions"][place])
            columns = min(rows.shape[-1], logits.shape[-1])
            rows[:, :columns].copy_(logits[:, :columns])
            if self._masked is not None:
                rows.masked_fill_(self._masked, float("-inf"))

        return forward
