"""A step of an ensemble as one computation: all roles read a block, and what follows is sampled.

All inputs (tokens, positions, alphas, noise keys) are copied to the device at once, and all outputs
(raw rows, sampled tokens) back at once, so that the host waits for the device once in a step. The
step is captured as a CUDA graph; without CUDA the same code runs uncaptured, as tests do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from app.decoding.block_sampling import (
    exponentials_of_all,
    process_block,
    sample_block,
    seen_in_block,
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
    """What is going to be sampled after a block, as far as it is known before.

    Attributes:
        index: The position of the first draw among the generated tokens.
        config: The settings in force.
        alphas: The weight of each pair, [P]; those of the token before.
        history: The ids before the first draw, [n]; the first token of the block is among them.
    """

    index: int
    config: GenerationConfig
    alphas: tuple[float, ...]
    history: Ids


@dataclass(frozen=True, slots=True)
class SampledToken:
    """A token that was sampled together with the rows that it was sampled from.

    Attributes:
        index: Its position among the generated tokens.
        token_id: The token.
        probability: Its probability after the processors.
        alphas: The weights it was sampled with.
    """

    index: int
    token_id: int
    probability: float
    alphas: tuple[float, ...]


def make_fused_steps(
    models: Sequence[object], pairs: Sequence[Pair], vocabulary_size: int, masked: Tensor | None
) -> FusedSteps | None:
    """The whole steps of an ensemble, where all its models are such that they can be captured."""
    graphed = [model for model in models if isinstance(model, GraphedLanguageModel)]
    together = len(graphed) == len(models) and len({model.device for model in graphed}) == 1
    return FusedSteps(graphed, pairs, vocabulary_size, masked) if together else None


class FusedSteps:
    """The steps of one ensemble, captured as they are needed.

    Args:
        models: What computes each evaluation, on one device.
        pairs: The expert pairs, by place among ``models``.
        vocabulary_size: Columns of the rows.
        masked: Ids that are never sampled, [V] of bool, or None where there are none.

    Attributes:
        not_captured: Why steps are not captured as a whole, or an empty text.
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
        """Read a block and draw what follows each of its tokens.

        The KV caches are written; the lengths of the models are left to the caller.

        Args:
            tokens: The block, [k].
            precomputed: Rows, [k, V], of evaluations that have read the block by themselves.
            sampling: What is to be sampled.

        Returns:
            The raw rows of every evaluation, [E, k, V], on the host, and the sampled tokens, [k].

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
        """Give back what was captured, with its memory."""
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
    """What decides how a step is computed.

    Attributes:
        size: Tokens that are read.
        precomputed: The evaluations that do not read them.
        config: The settings, without those that only say where to begin and to end.
    """

    size: int
    precomputed: tuple[int, ...]
    config: GenerationConfig

    @classmethod
    def of(cls, size: int, precomputed: Mapping[int, Tensor], config: GenerationConfig) -> _StepKey:
        same = replace(config, seed=0, max_new_tokens=1, stop=())
        return cls(size, tuple(sorted(precomputed)), same)


class _FusedStep:
    """The step of one key, over memory that stays where it is."""

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
        self._masked = masked
        self._capture = models[0].capture
        self._run: Action | None = None
        size, evaluations, device = key.size, len(models), models[0].device
        rows = (size, vocabulary_size)
        inputs = {
            "tokens": ((size,), torch.int64),
            "positions": ((evaluations, size), torch.int64),
            "alphas": ((len(pairs),), torch.float32),
            "precomputed": ((len(key.precomputed), *rows), torch.float32),
        }
        if not key.config.greedy:
            inputs["keys"] = ((size,), torch.int64)
        if key.config.repetition_penalty != 1.0:
            inputs["seen"] = ((vocabulary_size,), torch.bool)
        self._inputs = Mirror(inputs, device)
        self._outputs = Mirror(
            {
                "rows": ((evaluations, *rows), torch.float32),
                "sampled": ((size,), torch.int64),
                "probability": ((size,), torch.float64),
            },
            device,
        )

    def set_inputs(
        self, tokens: Sequence[int], precomputed: Mapping[int, Tensor], sampling: SamplingInputs
    ) -> None:
        """Hand over what the step is for. What fills the block up is read too, and overwritten."""
        inputs, missing = self._inputs.host, self._key.size - len(tokens)
        inputs["tokens"].copy_(torch.tensor([*tokens, *[tokens[-1]] * missing]))
        starts = torch.tensor([[model.length] for model in self._models])
        inputs["positions"].copy_(starts + torch.arange(self._key.size))
        inputs["alphas"].copy_(torch.tensor(sampling.alphas))
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
            [self._reading(p) for p in range(len(self._models)) if p not in self._key.precomputed]
        )
        seen = seen_in_block(inputs["seen"], inputs["tokens"]) if "seen" in inputs else None
        combined = rows[0]
        if self._pairs:
            differences = pair_differences(rows, self._pairs, self._masked)
            combined = combine_logits(combined, differences, inputs["alphas"])
        scores = process_block(combined, seen, self._key.config)
        keys = inputs.get("keys")
        noise = None if keys is None else exponentials_of_all(keys, scores.shape[-1])
        sampled, probability = sample_block(scores, noise)
        outputs["sampled"].copy_(sampled)
        outputs["probability"].copy_(probability)

    def _reading(self, place: int) -> Action:
        """One evaluation reads the block; its row is written over the base's columns."""

        def read() -> None:
            inputs, rows = self._inputs.device, self._outputs.device["rows"][place]
            logits = self._models[place].forward_at(inputs["tokens"], inputs["positions"][place])
            columns = min(rows.shape[-1], logits.shape[-1])
            rows[:, :columns].copy_(logits[:, :columns])
            if self._masked is not None:
                rows.masked_fill_(self._masked, float("-inf"))

        return read
