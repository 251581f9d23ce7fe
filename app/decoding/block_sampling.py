"""Processors and sampling, as in :mod:`app.decoding.sampling`, for a block of positions in torch.

Nothing here makes the host wait for the device, and no shape depends on a value, so that the
functions can be part of a captured step. The sampling settings are tensors, so that one capture
serves all of them. Scores have the shape [k, V].
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from app.decoding.noise import DROPPED_BITS, LAST_SHIFT, MIX, STEP, UNIT, signed
from app.decoding.sampling import LEAST_TEMPERATURE
from app.decoding.types import GenerationConfig

_MASKED = float("-inf")

SETTINGS = {
    "temperature": torch.float32,
    "top_k": torch.int64,
    "top_p": torch.float64,
    "log_min_p": torch.float32,
    "repetition_penalty": torch.float32,
}
"""The sampling settings that processors read as tensors of one element, [1], with their dtypes."""


@dataclass(frozen=True, slots=True)
class Processors:
    """The computations that sampling consists of, without the settings that they read.

    A processor whose settings are off does not change the scores. The costly ones are therefore
    left out where they are off, and there are few combinations.

    Attributes:
        samples: Whether tokens are sampled, with temperature and min-p; otherwise the argmax is
            taken.
        truncates: Whether the scores are sorted, for top-k and top-p.
        penalises: Whether ids that were seen before are penalised.
    """

    samples: bool
    truncates: bool
    penalises: bool

    @classmethod
    def of(cls, config: GenerationConfig) -> Processors:
        """The processors that ``config`` needs."""
        return cls(
            samples=not config.greedy,
            truncates=not config.greedy and (config.top_k > 0 or config.top_p < 1.0),
            penalises=config.repetition_penalty != 1.0,
        )

    def __str__(self) -> str:
        named = {
            "sampling": self.samples,
            "top-k and top-p": self.truncates,
            "repetition penalty": self.penalises,
        }
        return ", ".join(name for name, on in named.items() if on) or "greedy"


def settings_of(config: GenerationConfig, size: int) -> dict[str, float]:
    """The values of :data:`SETTINGS` for a vocabulary of ``size`` ids.

    A setting that is off has a value that keeps all ids.
    """
    return {
        "temperature": max(config.temperature, LEAST_TEMPERATURE),
        "top_k": min(config.top_k or size, size),
        "top_p": config.top_p if config.top_p < 1.0 else math.inf,
        "log_min_p": math.log(config.min_p) if config.min_p > 0.0 else -math.inf,
        "repetition_penalty": config.repetition_penalty,
    }


def seen_in_block(seen: Tensor, tokens: Tensor) -> Tensor:
    """The token ids seen before each position of a block, [k, V] of bool.

    Args:
        seen: Ids before the first sampled token, [V] of bool, the first of ``tokens`` included.
        tokens: Token ids of the block, [k].
    """
    read = torch.zeros(tokens.shape[0], seen.shape[0], dtype=torch.int32, device=seen.device)
    read.scatter_(1, tokens[:, None], 1)
    return (read.cumsum(0) > 0) | seen


def process_block(
    logits: Tensor, seen: Tensor | None, processors: Processors, settings: Mapping[str, Tensor]
) -> Tensor:
    """Apply processors, as ``sampling.process_logits`` does to one row.

    Args:
        logits: Combined logits, [k, V], float32.
        seen: Ids to which the repetition penalty applies, [k, V] of bool; needed by the penalty.
        processors: The processors.
        settings: The values of :data:`SETTINGS`.

    Returns:
        Scores, [k, V], whose softmax is sampled; −inf at ids that are not kept.
    """
    scores = logits
    if processors.penalises:
        assert seen is not None
        penalty = settings["repetition_penalty"]
        penalised = torch.where(scores < 0, scores * penalty, scores / penalty)
        scores = torch.where(seen, penalised, scores)
    if not processors.samples:
        return scores
    scores = scores / settings["temperature"]
    if processors.truncates:
        scores = _truncated(scores, settings["top_k"], settings["top_p"])
    least = scores.amax(-1, keepdim=True) + settings["log_min_p"]
    return scores.masked_fill(scores < least, _MASKED)


def _truncated(scores: Tensor, top_k: Tensor, top_p: Tensor) -> Tensor:
    """Scores of the ids that top-k, then top-p keeps; they are sorted once for both."""
    best, ids = torch.sort(scores, dim=-1, descending=True, stable=True)
    lowest = best.index_select(-1, top_k - 1)
    best = best.masked_fill(best < lowest, _MASKED)
    masses = torch.exp(best - best[:, :1])
    before = torch.cumsum(masses, -1, dtype=torch.float64) - masses
    dropped = before >= top_p * masses.sum(-1, keepdim=True, dtype=torch.float64)
    return torch.empty_like(scores).scatter(-1, ids, best.masked_fill(dropped, _MASKED))


def sample_block(scores: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Sample one token at each position by an exponential race, as ``Distribution.sample`` does.

    Args:
        scores: [k, V].
        noise: Standard exponential variates, [k, V], float64; None takes the argmax.

    Returns:
        Token ids, [k]; their probabilities in softmax(``scores``), [k], float64; and the values
        by which they won, [k], float64: p_v / E_v, or the score if the argmax is taken.
    """
    probabilities = torch.softmax(scores.double(), -1)
    race = scores if noise is None else probabilities / noise
    sampled = torch.argmax(race, -1, keepdim=True)
    probability, best = (each.gather(-1, sampled)[:, 0] for each in (probabilities, race))
    return sampled[:, 0], probability, best.double()


def exponentials_of_all(keys: Tensor, size: int) -> Tensor:
    """Standard exponential variates of all ids below ``size``, [k, size], float64.

    Args:
        keys: Noise keys, [k], as int64 with the bits of :func:`app.decoding.noise.key_of`.
        size: Number of ids.
    """
    words = torch.arange(size, device=keys.device) * signed(STEP) + keys[:, None]
    for shift, factor in MIX:
        words = (words ^ _shifted(words, shift)) * signed(factor)
    words = _shifted(words ^ _shifted(words, LAST_SHIFT), DROPPED_BITS)
    return -torch.log1p(-(words.double() + 0.5) * UNIT)


def _shifted(words: Tensor, by: int) -> Tensor:
    """Shift right by ``by`` bits, as for unsigned words."""
    return (words >> by) & ((1 << (64 - by)) - 1)
