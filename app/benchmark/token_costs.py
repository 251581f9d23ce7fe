"""Processor time a token outside the models, by vocabulary and number of pairs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from app.attribution.attribution import attribute
from app.attribution.candidates import keep_candidates, keep_candidates_of
from app.checkpoints.memory.heap import tensors_apart
from app.decoding.sampling import process_logits
from app.decoding.tuned_logits import combine
from app.decoding.types import GenerationConfig, RoleLogits

PAIRS = (1, 2)
_POSITIONS = 8
_LIKELY = 200
_PROMPT = np.array([1])


@dataclass(frozen=True, slots=True)
class TokenCost:
    """Seconds of one thread's processor time for a token, medians.

    Attributes:
        vocabulary: The number of token ids.
        pairs: The number of pairs.
        combine: Combining the rows of the roles.
        sample: Sampling from the tuned row, with the default settings.
        attribute: Attribution of the sampled token, from the combined rows.
        candidates: Its candidates.
        candidates_together: Its candidates where those of eight tokens are found at once, as the
            history does.
    """

    vocabulary: int
    pairs: int
    combine: float
    sample: float
    attribute: float
    candidates: float
    candidates_together: float


def time_token(
    vocabulary: int,
    pairs: int,
    repeats: int,
    on_progress: Callable[[str], None] = lambda what: None,
) -> TokenCost:
    """Time the work for a token on rows of invented logits, after one round to warm up.

    Args:
        vocabulary: The number of token ids.
        pairs: The number of pairs.
        repeats: How often each time is measured.
        on_progress: Called with a description.
    """
    on_progress(f"{vocabulary:,} token ids, {pairs} pairs")
    with tensors_apart():
        pass  # leaves the heap as it is after a load
    positions = [_likely_rows(vocabulary, pairs, seed) for seed in range(_POSITIONS)]
    alphas, config = [1.0] * pairs, GenerationConfig()
    combined = [combine(rows, alphas) for rows in positions]
    tuned = [each.tuned for each in combined]
    ids = [process_logits(row, _PROMPT, config).sample(0, 0)[0] for row in tuned]

    def seconds(work: Callable[[int], object]) -> float:
        return _median_seconds(lambda: [work(place) for place in range(_POSITIONS)], repeats)

    return TokenCost(
        vocabulary,
        pairs,
        combine=seconds(lambda i: combine(positions[i], alphas)),
        sample=seconds(lambda i: process_logits(tuned[i], _PROMPT, config).sample(0, i)),
        attribute=seconds(lambda i: attribute(positions[i], alphas, ids[i], combined=combined[i])),
        candidates=seconds(lambda i: keep_candidates(positions[i], alphas, ids[i])),
        candidates_together=_median_seconds(
            lambda: keep_candidates_of(positions, alphas, ids), repeats
        ),
    )


def _likely_rows(vocabulary: int, pairs: int, seed: int) -> RoleLogits:
    """Rows whose roles agree on a few hundred likely ids, as those of language models do."""
    random = np.random.default_rng(seed)
    base = random.normal(0, 2.5, vocabulary)
    likely = random.choice(vocabulary, min(_LIKELY, vocabulary), replace=False)
    base[likely] += 4 + random.exponential(4, len(likely))
    others = [base + random.normal(0, 1, vocabulary) for _ in range(2 * pairs)]
    first, *rest = (row.astype(np.float32) for row in (base, *others))
    return RoleLogits(first, tuple(rest[:pairs]), tuple(rest[pairs:]))


def _median_seconds(work: Callable[[], Sequence[object]], repeats: int) -> float:
    """Seconds of processor time for each of the results of ``work``."""
    count = len(work())
    figures = []
    for _ in range(repeats):
        started = time.thread_time()
        work()
        figures.append((time.thread_time() - started) / count)
    return median(figures)
