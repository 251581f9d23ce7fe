"""Processors and sampling, as in :mod:`app.decoding.sampling`, for a block of positions in torch.

Nothing here makes the host wait for the device, and no shape depends on a value, so that the
functions can be part of a captured step. Scores have the shape [k, V].
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
    """The token ids seen before each position of a block, [k, V] of bool.

    Args:
        seen: Ids before the first sampled token, [V] of bool, the first of ``tokens`` included.
        tokens: Token ids of the block, [k].
    """
    read = torch.zeros(tokens.shape[0], seen.shape[0], dtype=torch.int32, device=seen.device)
    read.scatter_(1, tokens[:, None], 1)
    return (read.cumsum(0) > 0) | seen


def process_block(logits: Tensor, seen: Tensor | None, config: GenerationConfig) -> Tensor:
    """Apply the processors of ``config``, as ``sampling.process_logits`` does to one row.

    Args:
        logits: Combined logits, [k, V], float32.
        seen: Ids to which the repetition penalty applies, [k, V] of bool.
        config: The sampling settings.

    Returns:
        Scores, [k, V], whose softmax is sampled; −inf at ids that are not kept.
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
    """Sample one token at each position by an exponential race, as ``Distribution.sample`` does.

    Args:
        scores: [k, V].
        noise: Standard exponential variates, [k, V], float64; None takes the argmax.

    Returns:
        Token ids, [k], and their probabilities in softmax(``scores``), [k], float64.
    """
    probabilities = torch.softmax(scores.double(), -1)
    sampled = torch.argmax(scores if noise is None else probabilities / noise, -1)
    return sampled, probabilities.gather(-1, sampled[:, None])[:, 0]


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
