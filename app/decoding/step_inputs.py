"""Kinds of fused steps, and their inputs: those of a run, of a capture and of its check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from app.decoding.block_sampling import Processors
from app.decoding.checked_step import other_token
from app.decoding.noise import Ids
from app.decoding.row_reduction import RowReduction
from app.decoding.sampling_inputs import SamplingInputs
from app.decoding.types import GenerationConfig


@dataclass(frozen=True, slots=True)
class StepKind:
    """A kind of fused step: everything that its graph depends on.

    Attributes:
        size: Number of tokens that are read.
        attended: Number of positions that they attend to.
        precomputed: Indices of the model contexts that do not read them.
        processors: The processors of sampling; their settings are inputs.
        reduction: The reduction of the rows, or None.
    """

    size: int
    attended: int
    precomputed: tuple[int, ...]
    processors: Processors
    reduction: RowReduction | None

    @classmethod
    def of(
        cls,
        size: int,
        attended: int,
        precomputed: Mapping[int, Tensor],
        sampling: SamplingInputs,
    ) -> StepKind:
        processors = Processors.of(sampling.config)
        return cls(size, attended, tuple(sorted(precomputed)), processors, sampling.reduction)

    def __str__(self) -> str:
        drafted = ", one role has read them" if self.precomputed else ""
        return (
            f"fused steps of {self.size} tokens that attend to {self.attended:,}{drafted}, "
            f"{self.processors}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class StepInputs:
    """The inputs of one step.

    Attributes:
        tokens: Token ids to read, [k].
        starts: The position of the first token in each model context, [C].
        precomputed: Rows, [k, V], of model contexts that have read the tokens already.
        sampling: The inputs for sampling.
    """

    tokens: tuple[int, ...]
    starts: tuple[int, ...]
    precomputed: Mapping[int, Tensor]
    sampling: SamplingInputs

    def of_capture(self) -> StepInputs:
        """The inputs with which a step is captured that is checked with :meth:`of_check`."""
        return StepInputs(
            tuple(map(other_token, self.tokens)),
            tuple(start + 1 for start in self.starts),
            {place: torch.zeros_like(rows) for place, rows in self.precomputed.items()},
            self._sampling(_SETTINGS_OF_CAPTURE, 0.5, self.sampling.history[:0]),
        )

    def of_check(self, vocabulary_size: int) -> StepInputs:
        """These inputs, sampled in a way that depends on every setting, alpha and seen id."""
        seen = np.arange(0, vocabulary_size, 2)
        return replace(self, sampling=self._sampling(_SETTINGS_OF_CHECK, -0.75, seen))

    def _sampling(self, config: GenerationConfig, alpha: float, history: Ids) -> SamplingInputs:
        alphas = (alpha,) * len(self.sampling.alphas)
        return replace(self.sampling, config=config, alphas=alphas, history=history)


_SETTINGS_OF_CAPTURE = GenerationConfig(
    temperature=0.5, top_k=1, top_p=0.5, min_p=0.99, repetition_penalty=1.5, seed=1
)
_SETTINGS_OF_CHECK = GenerationConfig(
    temperature=50.0, top_k=0, top_p=1.0, min_p=0.0, repetition_penalty=0.5, seed=2
)
"""A flat distribution over all ids, which every setting of the capture would narrow."""
