"""How probable texts are under several distributions at once: every role is evaluated once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from app.decoding.combining import combine_logits
from app.decoding.ensemble import EnsembleLogits
from app.errors import Cancelled
from app.evaluation.batched import BatchedEnsemble
from app.evaluation.encoding import Continuation
from app.evaluation.requests import Score

_LOGITS_AT_ONCE = 1 << 26
"""Elements of the rows of all roles that are held at once."""

_LOGITS_IN_CACHE = 1 << 19
"""Elements of the rows of one role that are mixed at once."""

Mix = int | tuple[float, ...]
"""One distribution: an evaluation alone, by its place, or the weight of each pair."""


def mixed(logits: EnsembleLogits, mix: Mix) -> Tensor:
    """The logits of one distribution at every position, [n, V]."""
    return logits.rows[mix] if isinstance(mix, int) else logits.combined(slice(None), mix)


@torch.inference_mode()
def score_batch(
    ensemble: BatchedEnsemble,
    batch: Sequence[Continuation],
    mixes: Sequence[Mix],
    cancelled: Callable[[], bool] = lambda: False,
) -> list[list[Score]]:
    """The scores of every text under every distribution, [mixes][batch].

    Args:
        ensemble: The roles.
        batch: What is scored; it is read side by side.
        mixes: The distributions.
        cancelled: Asked before every chunk.

    Raises:
        Cancelled: When ``cancelled`` says so.
    """
    longest = max(len(item.tokens) for item in batch)
    targets = torch.zeros((len(batch), longest), dtype=torch.int64)
    scored = torch.zeros_like(targets, dtype=torch.bool)
    for row, item in enumerate(batch):
        targets[row, : len(item.tokens)] = torch.tensor(item.tokens)
        scored[row, : len(item.tokens)] = True
    sums = torch.zeros((len(mixes), len(batch)), dtype=torch.float64)
    greedy = torch.ones((len(mixes), len(batch)), dtype=torch.bool)

    def add(logits: EnsembleLogits, columns: slice) -> None:
        wanted, counted = targets[:, columns], scored[:, columns]
        logprobs, best = _of_targets(logits, mixes, wanted.reshape(-1))
        shape = (len(mixes), *wanted.shape)
        sums.add_(logprobs.view(shape).masked_fill(~counted, 0.0).sum(2))
        greedy.logical_and_((best.view(shape) | ~counted).all(2))

    prompts = list(zip(*(item.prompts for item in batch), strict=True))
    add(ensemble.prefill(prompts, cancelled), slice(0, 1))
    rows = ensemble.evaluations * ensemble.vocabulary_size * len(batch)
    columns = max(1, _LOGITS_AT_ONCE // rows)
    for start in range(0, longest - 1, columns):
        if cancelled():
            raise Cancelled
        end = min(start + columns, longest - 1)
        add(ensemble.extend(targets[:, start:end]), slice(start + 1, end + 1))
    return [
        [
            Score(float(sums[place, row]), bool(greedy[place, row]), len(item.tokens), item.cut)
            for row, item in enumerate(batch)
        ]
        for place in range(len(mixes))
    ]


def _of_targets(
    logits: EnsembleLogits, mixes: Sequence[Mix], targets: Tensor
) -> tuple[Tensor, Tensor]:
    """Of every target, [n], under every distribution: its log-probability, and whether it is the
    most probable token; [mixes, n] both.

    A few positions at a time, so that their rows stay in the cache of the processor.
    """
    targets = targets.to(logits.rows.device)
    shape = (len(mixes), len(targets))
    logprobs = torch.empty(shape, dtype=torch.float64, device=targets.device)
    best = torch.empty(shape, dtype=torch.bool, device=targets.device)
    weights = {mix: torch.tensor(mix) for mix in mixes if not isinstance(mix, int)}
    positions = max(1, _LOGITS_IN_CACHE // logits.rows.shape[-1])
    for start in range(0, len(targets), positions):
        piece = slice(start, start + positions)
        wanted = targets[piece, None]
        differences = logits.differences(piece) if weights and logits.pairs else None
        for place, mix in enumerate(mixes):
            if isinstance(mix, int) or differences is None:
                rows = logits.rows[mix if isinstance(mix, int) else 0, piece]
            else:
                rows = combine_logits(logits.rows[0, piece], differences, weights[mix])
            logprobs[place, piece] = (rows.gather(1, wanted)[:, 0] - rows.logsumexp(1)).double()
            best[place, piece] = rows.argmax(1) == wanted[:, 0]
    return logprobs.cpu(), best.cpu()
