"""Inputs and outputs of decoding. Imports no torch: the window imports it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.decoding.alpha_policy import CONSTANT, parse_policy
from app.decoding.coverage import Coverage
from app.errors import SettingsError

FloatArray = NDArray[np.float32]

MAX_SEED = 2**63 - 1
MAX_ALPHA = 1_000_000
MAX_PENALTY, MAX_BIAS = 2.0, 100.0
OFF, JSON, JSON_SCHEMA, GRAMMAR = "off", "json", "json_schema", "grammar"
STRUCTURES = (OFF, JSON, JSON_SCHEMA, GRAMMAR)


class FinishReason(StrEnum):
    """Why a run ended."""

    EOS = "eos"
    STOP = "stop"
    LENGTH = "length"
    CONTEXT = "context"
    """The context of a model is full, before the limit of tokens."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class GenerationConfig:
    """The sampling settings and limits of a run.

    ``temperature`` 0 is greedy decoding. ``top_k`` 0, ``top_p`` 1, ``min_p`` 0,
    ``repetition_penalty`` 1, and penalties of 0 each disable their processor.

    Attributes:
        frequency_penalty: Subtracted from the logit of a token for each time it was generated.
        presence_penalty: Subtracted from the logits of tokens that were generated.
        logit_bias: Token ids, each with a number that is added to its logit.
        structure: What the text must be: one of :data:`STRUCTURES`.
        structure_text: The JSON schema, or the grammar in GBNF or Lark.
        alpha_policy: How the alphas are scaled at each token, as ``parse_policy`` reads it.

    Raises:
        SettingsError: A value is not a number or outside its range.
    """

    max_new_tokens: int = 256
    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 0.95
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    logit_bias: tuple[tuple[int, float], ...] = ()
    seed: int = 0
    stop: tuple[str, ...] = ()
    structure: str = OFF
    structure_text: str = ""
    alpha_policy: str = CONSTANT.text

    def __post_init__(self) -> None:
        _require("max new tokens", self.max_new_tokens, 1, 1_000_000, whole=True)
        _require("temperature", self.temperature, 0.0, 100.0)
        _require("top-k", self.top_k, 0, 10_000_000, whole=True)
        _require("top-p", self.top_p, 0.0, 1.0, above=True)
        _require("min-p", self.min_p, 0.0, 1.0)
        _require("repetition penalty", self.repetition_penalty, 0.01, 100.0)
        for name in ("frequency", "presence"):
            penalty = getattr(self, f"{name}_penalty")
            _require(f"{name} penalty", penalty, -MAX_PENALTY, MAX_PENALTY)
        for token_id, bias in self.logit_bias:
            _require("token id of a logit bias", token_id, 0, 2**31 - 1, whole=True)
            _require("logit bias", bias, -MAX_BIAS, MAX_BIAS)
        _require("seed", self.seed, 0, MAX_SEED, whole=True)
        if self.structure not in STRUCTURES:
            raise SettingsError(
                f"The structure must be one of {', '.join(STRUCTURES)}",
                evidence=f"it is {self.structure!r}",
            )
        if self.structure in (JSON_SCHEMA, GRAMMAR) and not self.structure_text.strip():
            what = "grammar" if self.structure == GRAMMAR else "JSON schema"
            raise SettingsError(f"The {what} is empty", next_step=f"Write the {what}.")
        parse_policy(self.alpha_policy)
        if "" in self.stop:
            raise SettingsError("A stop string is empty", next_step="Remove it or type some text.")

    @property
    def greedy(self) -> bool:
        return self.temperature == 0.0

    @property
    def counts_tokens(self) -> bool:
        """Whether the frequency or the presence penalty is on."""
        return self.frequency_penalty != 0.0 or self.presence_penalty != 0.0

    @property
    def reads_history(self) -> bool:
        """Whether sampling depends on which tokens occurred before."""
        return self.repetition_penalty != 1.0 or self.counts_tokens

    @property
    def is_argmax(self) -> bool:
        """Whether the token of the highest tuned logit is always taken."""
        return self.greedy and not (self.reads_history or self.logit_bias or self.structured)

    @property
    def on_host_only(self) -> bool:
        """Whether a processor is on that steps on an accelerator do not have."""
        return self.counts_tokens or bool(self.logit_bias) or self.structured

    @property
    def structured(self) -> bool:
        """Whether a mask excludes tokens that the structure does not allow."""
        return self.structure != OFF


def _require(
    name: str,
    value: float,
    lowest: float,
    highest: float,
    *,
    above: bool = False,
    whole: bool = False,
) -> None:
    fits = _is_number(value) and (isinstance(value, int) or not whole)
    high_enough = fits and (value > lowest if above else value >= lowest)
    if not (high_enough and value <= highest):  # NaN is neither
        kind = "a whole number " if whole else ""
        bound = f"greater than {lowest:,}" if above else f"at least {lowest:,}"
        raise SettingsError(
            f"The {name} must be {kind}{bound} and at most {highest:,}", evidence=f"it is {value}"
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_alphas(alphas: tuple[float, ...], pairs: int) -> None:
    """Check that there is one alpha for each expert pair, and that float32 can hold the result.

    Raises:
        SettingsError: The number differs, or an alpha is not finite or too large.
    """
    if len(alphas) != pairs:
        raise SettingsError(
            "There must be one alpha for each expert pair",
            evidence=f"{len(alphas)} alphas, {pairs} pairs",
        )
    for alpha in alphas:
        if not (_is_number(alpha) and abs(alpha) <= MAX_ALPHA):  # NaN is not
            raise SettingsError(
                f"An alpha must be a finite number, between −{MAX_ALPHA:,} and {MAX_ALPHA:,}",
                evidence=f"it is {alpha}",
            )


@dataclass(frozen=True, slots=True, eq=False)
class RoleLogits:
    """Raw logits of every role at one position, each of shape [V], float32, on the host.

    Ids that not every role has are −inf in all rows. Roles that share a model context share the
    array.
    """

    base: FloatArray
    experts: tuple[FloatArray, ...]
    antiexperts: tuple[FloatArray, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of the rows; an array that roles share counts once."""
        rows = (self.base, *self.experts, *self.antiexperts)
        return sum({id(row): row.nbytes for row in rows}.values())


@dataclass(frozen=True, slots=True, eq=False)
class CombinedRows:
    """The tuned row of one position, and the terms it is made of.

    Attributes:
        added: The scaled difference α_i (s⁺_i − s⁻_i) of each pair, P rows of [V].
        tuned: The tuned logits, [V].
    """

    added: tuple[NDArray[np.floating[Any]], ...]
    tuned: NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class ReducedRows:
    """Statistics of the rows of one position, in place of the rows where these are not kept.

    Attributes:
        token_ids: The ids whose logits are kept, [K]: the token of the position, then the top ids
            of the tuned row and of every model context. Ids can occur twice, and can be masked.
        logits: Raw logits of every role at these ids, each [K].
        tuned: Tuned logits at these ids, [K].
        rank_base: Ranks under the base, [K], from 1; ``rank_tuned`` likewise.
        argmax_base: The most probable token of the base; ``argmax_tuned`` likewise.
        log_normalizers: Log-normalizers of the rows of the base, the experts and the anti-experts,
            [1 + 2P].
        subset_log_normalizers: Log-normalizers of the tuned rows of subsets of the pairs, [S].
        entropy_base: Entropy of the base's distribution, in nats; ``entropy_tuned`` likewise.
        kl: KL(tuned ‖ base), in nats.
    """

    token_ids: NDArray[np.int32]
    logits: RoleLogits
    tuned: FloatArray
    rank_base: NDArray[np.int32]
    rank_tuned: NDArray[np.int32]
    argmax_base: int
    argmax_tuned: int
    log_normalizers: NDArray[np.float64]
    subset_log_normalizers: NDArray[np.float64]
    entropy_base: float
    entropy_tuned: float
    kl: float


@dataclass(frozen=True, slots=True)
class WhatIfToken:
    """The token that other alphas would have chosen at a position of a finished run."""

    index: int
    token_id: int


@dataclass(frozen=True, slots=True, eq=False)
class TokenStep:
    """One token of a run, with the values it was sampled with.

    Attributes:
        index: Position among the generated tokens, from 0.
        token_id: The token.
        text: The text that this token completed; empty while a character is still partial.
        start: Offset of ``text`` in the generated text, in Unicode code points.
        alphas: The α of each pair in this step, scaled by the policy of alpha.
        logits: Raw logits of every role, before any processor; None where they are not kept.
        sampled_probability: Probability of the token after temperature and the other processors.
        forced: Whether the token was given instead of sampled.
        reduced: Statistics of the rows, where these were reduced on their device.
        combined: The combined rows that the token was sampled from, until it is attributed.
        coverage: What pairs of another vocabulary have an opinion of; None where all models share a
            vocabulary.
        skipped: Whether the pairs did not read the token before this one, since the policy of
            alpha did not need them; their rows are then the base's.
    """

    index: int
    token_id: int
    text: str
    start: int
    alphas: tuple[float, ...]
    logits: RoleLogits | None
    sampled_probability: float
    forced: bool = False
    reduced: ReducedRows | None = None
    combined: CombinedRows | None = None
    coverage: Coverage | None = None
    skipped: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def kept_logits(self) -> RoleLogits:
        """The raw logits of a step whose rows are kept."""
        assert self.logits is not None
        return self.logits

    def without_rows(self) -> TokenStep:
        """This step without what takes memory: the rows, and their statistics."""
        return replace(self, logits=None, reduced=None, combined=None)

    def without_combined(self) -> TokenStep:
        """This step without the combined rows, which can be computed again."""
        return self if self.combined is None else replace(self, combined=None)
