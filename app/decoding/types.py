"""What goes into decoding and what comes out of it. Imports no torch, so the window can use it at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from app.errors import SettingsError

FloatArray = NDArray[np.float32]

MAX_SEED = 2**63 - 1


class FinishReason(StrEnum):
    """Why a generation ended."""

    EOS = "eos"
    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class GenerationConfig:
    """How tokens are drawn from the tuned distribution.

    ``temperature`` 0 is greedy decoding. ``top_k`` 0, ``top_p`` 1, ``min_p`` 0 and
    ``repetition_penalty`` 1 each switch that processor off.

    Raises:
        SettingsError: When a value is not a number or outside its range.
    """

    max_new_tokens: int = 256
    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 0.95
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require("max new tokens", self.max_new_tokens, 1, 1_000_000)
        _require("temperature", self.temperature, 0.0, 100.0)
        _require("top-k", self.top_k, 0, 10_000_000)
        _require("top-p", self.top_p, 0.0, 1.0, above=True)
        _require("min-p", self.min_p, 0.0, 1.0)
        _require("repetition penalty", self.repetition_penalty, 0.0, 100.0, above=True)
        _require("seed", self.seed, 0, MAX_SEED)
        if "" in self.stop:
            raise SettingsError("A stop string is empty", next_step="Remove it or type some text.")

    @property
    def greedy(self) -> bool:
        return self.temperature == 0.0


def _require(
    name: str, value: float, lowest: float, highest: float, *, above: bool = False
) -> None:
    too_low = value <= lowest if above else value < lowest
    if not math.isfinite(value) or too_low or value > highest:
        bound = f"greater than {lowest:g}" if above else f"at least {lowest:g}"
        raise SettingsError(
            f"The {name} must be {bound} and at most {highest:g}", evidence=f"it is {value}"
        )


def check_alphas(alphas: tuple[float, ...], pairs: int) -> None:
    """Check that there is one finite alpha for each expert pair.

    Raises:
        SettingsError: When the number differs or an alpha is not finite.
    """
    if len(alphas) != pairs:
        raise SettingsError(
            "There must be one alpha for each expert pair",
            evidence=f"{len(alphas)} alphas, {pairs} pairs",
        )
    for alpha in alphas:
        if not math.isfinite(alpha):
            raise SettingsError("An alpha must be a finite number", evidence=f"it is {alpha}")


@dataclass(frozen=True, slots=True, eq=False)
class RoleLogits:
    """Raw logits of every role at one position, each of shape [V], float32, on the host.

    Ids that not every role has are −inf in all rows. Roles that share an evaluation share
    the array.
    """

    base: FloatArray
    experts: tuple[FloatArray, ...]
    antiexperts: tuple[FloatArray, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TokenStep:
    """One generated token and what was true when it was drawn.

    Attributes:
        index: Position among the generated tokens, from 0.
        token_id: The drawn token.
        text: The text that this token completed; empty while a character is still partial.
        start: Offset of ``text`` in the generated text, in Unicode code points.
        alphas: The weight of each pair in this step.
        logits: Raw logits of every role, before any processor.
        sampled_probability: Probability of the token after temperature and the other processors.
    """

    index: int
    token_id: int
    text: str
    start: int
    alphas: tuple[float, ...]
    logits: RoleLogits
    sampled_probability: float

    @property
    def end(self) -> int:
        return self.start + len(self.text)
