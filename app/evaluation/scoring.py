"""Scores of texts under several distributions at once, with one forward pass of each model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from app.decoding.batched_ensemble import BatchedEnsemble
from app.decoding.combining import combine_logits
from app.decoding.coverage import Coverage
from app.decoding.ensemble import EnsembleLogits
from app.errors import Cancelled
from app.evaluation.encoding import Continuation
from app.evaluation.requests import Score
from app.evaluation.scheduled_alphas import ScheduledAlphas

_LOGITS_AT_ONCE = 1 << 26
"""Maximum number of elements of the rows of all models in memory."""

_LOGITS_IN_CACHE = 1 << 19
"""Maximum number of elements of one model's rows that are combined at once."""

FixedDistribution = int | tuple[float, ...]
Distribution = FixedDistribution | ScheduledAlphas
"""A distribution: the index of one model context, the alpha of each pair, or these by a policy."""


def distribution_logits(logits: EnsembleLogits, distribution: FixedDistribution) -> Tensor:
    """The logits of a distribution at every position, [n, V]."""
    return (
        logits.rows[distribution]
        if isinstance(distribution, int)
        else logits.combined(slice(None), distribution)
    )


@torch.inference_mode()
def score_batch(
    ensemble: BatchedEnsemble,
    batch: Sequence[Continuation],
    distributions: Sequence[Distribution],
    cancelled: Callable[[], bool] = lambda: False,
) -> list[list[Score]]:
    """Score every text under every distribution, [distributions][batch].

    Args:
        ensemble: The models.
        batch: The texts to score.
        distributions: The distributions.
        cancelled: Called before each chunk.

    Raises:
        Cancelled: ``cancelled`` returned True.
    """
    longest = max(len(item.tokens) for item in batch)
    targets = torch.zeros((len(batch), longest), dtype=torch.int64)
    scored = torch.zeros_like(targets, dtype=torch.bool)
    for row, item in enumerate(batch):
        targets[row, : len(item.tokens)] = torch.tensor(item.tokens)
        scored[row, : len(item.tokens)] = True
    sums = torch.zeros((len(distributions), len(batch)), dtype=torch.float64)
    greedy = torch.ones((len(distributions), len(batch)), dtype=torch.bool)

    covered: list[Coverage | None] = [None] * len(batch)
    fixed = [
        distribution if not isinstance(distribution, ScheduledAlphas) else 0
        for distribution in distributions
    ]
    scheduled = {
        place: (each, [each.begin(item.prompts) for item in batch])
        for place, each in enumerate(distributions)
        if isinstance(each, ScheduledAlphas)
    }

    def add(logits: EnsembleLogits, columns: slice) -> None:
        ensemble.require_usable(logits)
        wanted, counted = targets[:, columns], scored[:, columns]
        coverages = ensemble.refine(logits, _given(wanted, counted))
        for place, coverage in enumerate(coverages or ()):
            row = place // wanted.shape[1]
            if coverage is not None:
                covered[row] = coverage + (covered[row] or Coverage(0.0, 0.0))
        logprobs, best = _of_targets(logits, fixed, wanted.reshape(-1))
        for place, (distribution, schedules) in scheduled.items():
            logprobs[place], best[place] = distribution.score(
                logits, schedules, columns.start, [item.tokens[columns] for item in batch]
            )
        shape = (len(distributions), *wanted.shape)
        sums.add_(logprobs.view(shape).masked_fill(~counted, 0.0).sum(2))
        greedy.logical_and_((best.view(shape) | ~counted).all(2))

    prompts = list(zip(*(item.prompts for item in batch), strict=True))
    add(ensemble.prefill(prompts, cancelled), slice(0, 1))
    rows = ensemble.contexts * ensemble.vocabulary_size * len(batch)
    columns = max(1, _LOGITS_AT_ONCE // rows)
    for start in range(0, longest - 1, columns):
        if cancelled():
            raise Cancelled
        end = min(start + columns, longest - 1)
        add(ensemble.extend(targets[:, start:end]), slice(start + 1, end + 1))
    return [
        [
            Score(
                float(sums[place, row]),
                bool(greedy[place, row]),
                len(item.tokens),
                item.truncated,
                None if isinstance(distribution, int) else covered[row],
            )
            for row, item in enumerate(batch)
        ]
        for place, distribution in enumerate(distributions)
    ]


def _given(targets: Tensor, scored: Tensor) -> list[int | None]:
    """The token at each position, text by text; None where no token is scored."""
    return [
        token if counted else None
        for token, counted in zip(
            targets.flatten().tolist(), scored.flatten().tolist(), strict=True
        )
    ]


def _of_targets(
    logits: EnsembleLogits, distributions: Sequence[FixedDistribution], targets: Tensor
) -> tuple[Tensor, Tensor]:
    """Log-probability of every target under every distribution, and whether it is the argmax.

    Both results have shape [distributions, n]. Positions are processed in chunks whose rows fit
    into the processor's cache.
    """
    targets = targets.to(logits.rows.device)
    shape = (len(distributions), len(targets))
    logprobs = torch.empty(shape, dtype=torch.float64, device=targets.device)
    best = torch.empty(shape, dtype=torch.bool, device=targets.device)
    weights = {
        distribution: torch.tensor(distribution)
        for distribution in distributions
        if not isinstance(distribution, int)
    }
    positions = max(1, _LOGITS_IN_CACHE // logits.rows.shape[-1])
    for start in range(0, len(targets), positions):
        piece = slice(start, start + positions)
        wanted = targets[piece, None]
        differences = logits.differences(piece) if weights and logits.pairs else None
        for place, distribution in enumerate(distributions):
            if isinstance(distribution, int) or differences is None:
                rows = logits.rows[distribution if isinstance(distribution, int) else 0, piece]
            else:
                rows = combine_logits(logits.rows[0, piece], differences, weights[distribution])
            logprobs[place, piece] = (rows.gather(1, wanted)[:, 0] - rows.logsumexp(1)).double()
            best[place, piece] = rows.argmax(1) == wanted[:, 0]
    return logprobs.cpu(), best.cpu()
