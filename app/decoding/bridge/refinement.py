"""Rows of models of another vocabulary, completed for the tokens that the base finds likely."""

from __future__ import annotations

import torch
from torch import Tensor

from app.decoding.bridge.bridged_model import BridgedLanguageModel
from app.decoding.bridge.vocabulary_bridge import Opinion
from app.decoding.ensemble import Ensemble, EnsembleLogits

LIKELY = 0.01
"""Tokens of at least this probability under the base are read piece by piece."""


def refine(ensemble: Ensemble, logits: EnsembleLogits, position: int, index: int) -> float | None:
    """Complete the rows that the next token is sampled from, in place.

    A pair of another vocabulary knows only the first piece of many tokens of the base. Of those
    that the base finds likely it gets the exact probability.

    Args:
        ensemble: The roles, which have read at least the tokens before ``index``.
        logits: Rows of all model contexts; those of one position are changed.
        position: The position of the next token in ``logits``.
        index: The number of tokens after the prompts at this position.

    Returns:
        The coverage: the probability under the base of the tokens of which every pair of another
        vocabulary has an exact opinion. None where all models share a vocabulary.
    """
    models = ensemble.models[1:]
    bridged = [
        (place, model)
        for place, model in enumerate(models, 1)
        if isinstance(model, BridgedLanguageModel)
    ]
    if not bridged:
        return None
    base = torch.softmax(logits.rows[0, position].cpu(), dim=-1)
    likely = _likely(base)
    coverage = 1.0
    for place, model in bridged:
        opinions = model.bridge.opinions
        wanted = [token for token in likely if opinions[token] == Opinion.BOUNDED]
        exact = float(base @ model.bridge.exact)
        if wanted and not model.bridge.strict:
            row, found = model.refined(ensemble.offsets[place] + index, wanted)
            logits.rows[place, position] = _masked(row, logits).to(logits.rows.device)
            exact += float(base[found].sum())
        coverage = min(coverage, exact)
    return min(coverage, 1.0)


def _likely(base: Tensor) -> list[int]:
    """The ids of the likely tokens, the likeliest last."""
    ids = (base >= LIKELY).nonzero()[:, 0]
    found: list[int] = ids[base[ids].argsort()].tolist()
    return found


def _masked(row: Tensor, logits: EnsembleLogits) -> Tensor:
    return row if logits.masked is None else row.masked_fill_(logits.masked.cpu(), float("-inf"))
