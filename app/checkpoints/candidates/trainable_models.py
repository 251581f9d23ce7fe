"""Which models can be trained to be the expert of a base, best first. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from app.checkpoints.candidates.local_model import LocalModel
from app.checkpoints.candidates.model_names import Tuning
from app.checkpoints.candidates.partners import (
    Because,
    Misfit,
    Partner,
    Reason,
    is_shipped,
    partners_for,
)

_TUNINGS = (Tuning.NONE, Tuning.UNKNOWN, Tuning.INSTRUCT, Tuning.OTHER)


def trainable_models(base: LocalModel, models: Sequence[LocalModel]) -> tuple[Partner, ...]:
    """The models that can be trained for a base: with its tokenizer, untuned and small ones first.

    A small model is trained soon, and a person who wants more of it chooses a larger one. The
    expert and the anti-expert of the pair are the same model with and without the adapter, so that
    a model of another vocabulary needs no companion. The base itself is the last of its
    vocabulary: it works, but is not small.
    """
    partners = partners_for(base, models)
    same = [each for each in partners.experts if not each.model.is_adapter]
    other = [each for each in partners.bridged if not each.model.is_adapter]
    other += [_bridged(each) for each in partners.misfits if _can_be_bridged(each)]
    for found in (same, other):
        found.sort(key=lambda partner: _order(base, partner.model))
    return (*same, Partner(base, (Because(Reason.BASE_ITSELF),)), *other)


def _order(base: LocalModel, model: LocalModel) -> tuple[object, ...]:
    return (
        is_shipped(model) and not is_shipped(base),
        model.parameters >= base.parameters,
        _TUNINGS.index(model.tuning),
        model.parameters,
        model.name,
    )


def _can_be_bridged(misfit: Misfit) -> bool:
    return misfit.reason.reason is Reason.OTHER_VOCABULARY and misfit.reason.count > 0


def _bridged(misfit: Misfit) -> Partner:
    return Partner(misfit.model, (Because(Reason.OTHER_TOKENIZER),))
