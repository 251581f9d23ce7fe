"""Inputs and results of sampling within the step that computes the logits."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.decoding.noise import Ids
from app.decoding.row_reduction import RowReduction
from app.decoding.types import GenerationConfig


@dataclass(frozen=True, slots=True, eq=False)
class SamplingInputs:
    """What sampling after a block needs, as far as it is known before the block is read.

    Attributes:
        index: Index of the first sampled token among the generated tokens.
        config: The sampling settings.
        alphas: The α of each pair, [P]; those that the token before was sampled with.
        history: Token ids before the first sampled token, [n], the block's first token included.
        reduction: Reduces the rows of each position; None where no statistics are wanted.
    """

    index: int
    config: GenerationConfig
    alphas: tuple[float, ...]
    history: Ids
    reduction: RowReduction | None = None


@dataclass(frozen=True, slots=True)
class SampledToken:
    """A token that was sampled on the device in the step that computed its logits.

    Attributes:
        index: Its index among the generated tokens.
        token_id: Its id.
        probability: Its probability after the processors.
        alphas: The alphas it was sampled with.
        packed: Statistics of the rows that it was sampled from, if they were asked for; see
            :meth:`RowReduction.unpack`.
    """

    index: int
    token_id: int
    probability: float
    alphas: tuple[float, ...]
    packed: NDArray[np.int32] | None = field(default=None, compare=False)
