"""The processors and the draw of :mod:`app.decoding.sampling` for a block of positions at once.

Nothing here asks the device for a value or has a shape that depends on one, so that it can be part
of a captured step. Every function takes scores of shape [k, V].
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from app.decoding.noise import DROPPED_BITS, LAST_SHIFT, MIX, STEP, UNIT, signed
from app.decoding.sampling import LEAST_TEMPERATURE
from app.decoding.types import GenerationConfig

_MASKED = float("-inf")


def seen_in_block(seen: Tensor, tokens: Tensor) -> Tensor:
    """Which ids each position of a block has before it, [k, V] of bool.

    Args:
        seen: Ids before the first draw, [V] of bool; the first token of the block is among them.
        tokens: The block, [k].
    """
    read = torch.zeros(tokens.shape[0], seen.shape[0], dtype=torch.int32, device=seen.device)
    read.scatter_(1, tokens[:, None], 1)
    return (read.cumsum(0) > 0) | seen


def process_block(logits: Tensor, seen: Tensor | None, config: GenerationConfig) -> Tensor:
    """Apply the processors that ``config`` asks for, as ``sampling.process_logits`` does to a row.

    Args:
        logits: Combined logits, [k, V], float32.
        seen: Ids that the repetition penalty is for, [k, V] of bool; read where there is one.
        config: The settings in force.

    Returns:
        Scores of the distributions to draw from, [k, V]; masked ids are −inf.
    """
    scores = logits
    if seen is not None and config.repetition_penalty != 1.0:
        penalty = config.repetition_penalty
        penalised = torch.where(scores < 0, scores * penalty, scores / penalty)
        scores = torch.where(seen, penalised, scores)
    if config.greedy:
        return scores
    if config.temperature != 1.0:
        scores = scores / max(config.temperature, LEAST_TEMPERATURE)
    if 0 < config.top_k < scores.shape[-1]:
        threshold = torch.topk(scores, config.top_k).values[:, -1:]
        scores = scores.masked_fill(scores < threshold, _MASKED)
    if config.top_p < 1.0:
        scores = _top_p(scores, config.top_p)
    if config.min_p > 0.0:
        least = scores.amax(-1, keepdim=True) + np.log(config.min_p)
        scores = scores.masked_fill(scores < least, _MASKED)
    return scores


def _top_p(scores: Tensor, p: float) -> Tensor:
    best, ids = torch.sort(scores, dim=-1, descending=True)
    before = torch.cumsum(torch.exp(best - torch.logsumexp(best, -1, keepdim=True)), -1)
    dropped = before.roll(1, -1) >= p
    dropped[:, :1].fill_(False)
    return torch.empty_like(scores).scatter(-1, ids, best.masked_fill(dropped, _MASKED))


def sample_block(scores: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor]:
    """Draw from softmax(``scores``) by an exponential race, as a row does, or take the best.

    Args:
        scores: [k, V].
        noise: Standard exponentials, [k, V], float64; None takes the most probable.

    Returns:
        The tokens, [k], and their probabilities in softmax(``scores``), [k], float64.
    """
    probabilities = torch.softmax(scores.double(), -1)
    drawn = torch.argmax(scores if noise is None else probabilities / noise, -1)
    return drawn, probabilities.gather(-1, drawn[:, None])[:, 0]


def exponentials_of_all(keys: Tensor, size: int) -> Tensor:
    """The exponentials of all ids below ``size`` for some keys, [k, size], float64.

    Args:
        keys: [k], int64, of the same bits as :func:`key_of` has.
        size: How many ids.
    """
    words = torch.arange(size, device=keys.device) * signed(STEP) + keys[:, None]
    for shift, factor in MIX:
        words = (words ^ _shifted(words, shift)) * signed(factor)
    words = _shifted(words ^ _shifted(words, LAST_SHIFT), DROPPED_BITS)
    return -torch.log1p(-(words.double() + 0.5) * UNIT)


def _shifted(words: Tensor, by: int) -> Tensor:
    """To the right, as unsigned words."""
    return (words >> by) & ((1 << (64 - by)) - 1)
