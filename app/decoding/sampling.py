"""Pure functions from logits to a token. Every function takes one row of scores of shape [V].

The processors follow the order and the definitions of transformers' ``generate``: repetition
penalty, temperature, top-k, top-p, min-p.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from app.decoding.types import GenerationConfig

_MASKED = float("-inf")
LEAST_TEMPERATURE = 1e-6  # below it float32 overflows; the best token has it all already
_TOP_P_FIRST_GUESS = 256


def apply_repetition_penalty(scores: Tensor, history: Tensor, penalty: float) -> Tensor:
    """Divide positive and multiply negative scores of the ids in ``history``, [n], by ``penalty``.

    Source: Keskar et al., CTRL, arXiv 1909.05858, section 4.1; by sign as transformers has it.
    """
    history = history.to(scores.device)
    seen = scores[history]
    return scores.scatter(0, history, torch.where(seen < 0, seen * penalty, seen / penalty))


def apply_top_k(scores: Tensor, k: int) -> Tensor:
    """Keep the ``k`` highest scores (and ties with the last of them)."""
    if k >= scores.shape[0]:
        return scores
    threshold = torch.topk(scores, k).values[-1]
    return scores.masked_fill(scores < threshold, _MASKED)


def apply_top_p(scores: Tensor, p: float) -> Tensor:
    """Keep the smallest set of highest scores whose probability reaches ``p``; at least one.

    Source: Holtzman et al., arXiv 1904.09751, section 3.1.
    """
    vocabulary = scores.shape[0]
    log_normalizer = torch.logsumexp(scores, 0)
    # A full sort of a large vocabulary is slow and seldom needed: look at the head, then further.
    count = min(_TOP_P_FIRST_GUESS, vocabulary)
    while True:
        head, ids = torch.topk(scores, count)
        before = torch.cumsum(torch.exp(head - log_normalizer), 0).roll(1)
        before[0] = 0.0
        kept = before < p
        kept[0] = True  # also where float32 rounds p to 0
        if count == vocabulary or not bool(kept[-1]):
            break
        count = min(count * 8, vocabulary)
    return torch.full_like(scores, _MASKED).scatter(0, ids[kept], head[kept])


def apply_min_p(scores: Tensor, p: float) -> Tensor:
    """Keep tokens with at least ``p`` times the probability of the most probable one.

    Source: Nguyen et al., arXiv 2407.01082, section 3.
    """
    return scores.masked_fill(scores < scores.max() + np.log(p), _MASKED)


def process_logits(logits: Tensor, history: Tensor, config: GenerationConfig) -> Tensor:
    """Apply the processors that ``config`` asks for.

    Args:
        logits: Combined logits, [V], float32.
        history: Ids of prompt and generated tokens, [n]; read by the repetition penalty only.
        config: The settings in force.

    Returns:
        Scores of the distribution to draw from, [V]; masked ids are −inf.
    """
    scores = logits
    if config.repetition_penalty != 1.0:
        scores = apply_repetition_penalty(scores, history, config.repetition_penalty)
    if config.greedy:
        return scores
    if config.temperature != 1.0:
        scores = scores / max(config.temperature, LEAST_TEMPERATURE)
    if config.top_k > 0:
        scores = apply_top_k(scores, config.top_k)
    if config.top_p < 1.0:
        scores = apply_top_p(scores, config.top_p)
    if config.min_p > 0.0:
        scores = apply_min_p(scores, config.min_p)
    return scores


def exponential_noise(seed: int, position: int, size: int) -> Tensor:
    """The noise of one position: ``size`` standard exponentials from a counter-based generator.

    Philox is keyed by the seed and counted by the position, so the noise of a position does not
    depend on how many tokens were drawn before it or in what blocks.
    """
    generator = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, position, 0]))
    return torch.from_numpy(generator.standard_exponential(size))


def draw(
    scores: Tensor, config: GenerationConfig, position: int, noise: Tensor | None = None
) -> tuple[int, float]:
    """Draw from softmax(``scores``) with the noise of ``position``; greedy at temperature 0.

    ``noise`` is that of :func:`exponential_noise`, where it is at hand already.

    An exponential race: argmax p_v / E_v is argmax(log p_v + g_v) with Gumbel noise g_v = −log E_v,
    the Gumbel-max trick. Noise and division are in float64, so that rounding moves no probability.

    Returns:
        The token and its probability under the distribution it was drawn from.
    """
    if config.greedy:
        return int(torch.argmax(scores)), 1.0
    probabilities = torch.softmax(scores.double(), 0).cpu()
    if noise is None:
        noise = exponential_noise(config.seed, position, scores.shape[0])
    token_id = int(torch.argmax(probabilities / noise))
    return token_id, float(probabilities[token_id])


def probability_of(token_id: int, scores: Tensor, config: GenerationConfig) -> float:
    """The probability with which :func:`draw` would have drawn ``token_id`` from ``scores``."""
    if config.greedy:
        return float(int(torch.argmax(scores)) == token_id)
    return float(torch.softmax(scores.double(), 0)[token_id])
