"""Rows of models of another vocabulary, completed for the tokens that the base finds likely."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from app.decoding.bridge.bridged_model import BridgedLanguageModel
from app.decoding.bridge.opinion import LIKELY, Opinion
from app.decoding.coverage import Coverage
from app.decoding.ensemble import Ensemble, EnsembleLogits


@dataclass(frozen=True, slots=True)
class BridgedText:
    """A text as a model of another vocabulary has read it.

    Attributes:
        place: The index of its model context.
        model: The model.
        length: The ids of the text so far; the model may have read more.
    """

    place: int
    model: BridgedLanguageModel
    length: int


def refine(
    ensemble: Ensemble,
    logits: EnsembleLogits,
    position: int,
    index: int,
    given: int | None = None,
) -> Coverage | None:
    """Complete the rows that the next token is sampled from, in place.

    A pair of another vocabulary knows only the first piece of many tokens of the base. Of those
    that the base finds likely, and of a given token, it gets the exact probability.

    Args:
        ensemble: The roles, which have read at least the tokens before ``index``.
        logits: Rows of all model contexts; those of one position are changed.
        position: The position of the next token in ``logits``.
        index: The number of tokens after the prompts at this position.
        given: The token, if it is given instead of sampled.

    Returns:
        What the pairs of another vocabulary have an opinion of. None where all models share a
        vocabulary, and for a role alone.
    """
    texts = [
        BridgedText(place, model, ensemble.offsets[place] + index)
        for place, model in enumerate(ensemble.models)
        if isinstance(model, BridgedLanguageModel)
    ]
    return complete(texts, logits, position, given)


def complete(
    texts: Sequence[BridgedText], logits: EnsembleLogits, position: int, given: int | None = None
) -> Coverage | None:
    """Complete the rows of one text at one position, in place; see :func:`refine`."""
    if not texts:
        return None
    base = torch.softmax(logits.rows[0, position].cpu(), dim=-1)
    likely = _likely(base, given)
    exact, unknown = 1.0, 0.0
    bridges = {id(text.model.bridge): text.model.bridge for text in texts}
    shares = {
        place: (float(base @ each.exact), float(base.index_select(0, each.unknown).sum()))
        for place, each in bridges.items()
    }
    for text in texts:
        bridge = text.model.bridge
        spelled = [token for token in likely if bridge.base[token]]
        bounded = {token for token in spelled if bridge.opinions[token] == Opinion.BOUNDED}
        others = text.model.split_otherwise(text.length, spelled)
        wanted = [token for token in spelled if token in bounded or token in others]
        share, nothing = shares[id(bridge)]
        if wanted and not bridge.strict:
            row, found = text.model.refined(text.length, wanted)
            logits.rows[text.place, position] = _masked(row, logits).to(logits.rows.device)
            share += float(base[[token for token in found if token in bounded]].sum())
        exact = min(exact, share)
        unknown = max(unknown, nothing)
    if texts[0].place == 0:
        return None
    return Coverage(exact, max(1.0 - exact - unknown, 0.0))


def _likely(base: Tensor, given: int | None) -> list[int]:
    """The ids of the likely tokens and the given one; the likeliest, or the given one, is last."""
    ids = torch.from_numpy(np.flatnonzero((base >= LIKELY).numpy()))  # nonzero is ten times slower
    found: Iterable[int] = ids[base[ids].argsort()].tolist()
    return [*found] if given is None else [*(each for each in found if each != given), given]


def _masked(row: Tensor, logits: EnsembleLogits) -> Tensor:
    return row if logits.masked is None else row.masked_fill_(logits.masked.cpu(), float("-inf"))
