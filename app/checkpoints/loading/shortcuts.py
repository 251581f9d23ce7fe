"""The shortcuts that a loaded model uses beyond plain forward passes, and how to leave them out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from inspect import signature

from transformers import PreTrainedModel

from app.checkpoints.loading.divided_head import divide_head, is_divided, may_be_divided
from app.checkpoints.loading.grouped_attention import group_attention, is_grouped, may_be_grouped
from app.checkpoints.loading.lora import twin
from app.checkpoints.loading.packed_weights import is_packable, packed_weights
from app.checkpoints.loading.weights import TransformersWeights
from app.checkpoints.proof.proof_report import Shortcut
from app.decoding.graphs import GraphedLanguageModel, make_language_model
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.rescaled_model import RescaledLanguageModel
from app.decoding.uncached_model import UncachedLanguageModel


def with_original(weights: TransformersWeights) -> TransformersWeights:
    """The weights with an ``original`` over the same tensors that stays as transformers made it.

    If nothing will be made faster, both are one object, since some models change their tensors at
    their first forward pass (RWKV).
    """
    model = weights.model
    may_change = may_be_grouped(model) or is_packable(model) or may_be_divided(model)
    changes = not weights.offloaded and may_change
    return replace(weights, model=twin(model) if changes else model, original=model)


def is_as_loaded(weights: TransformersWeights) -> bool:
    """Whether the model is unchanged since loading."""
    model = weights.model
    return not (is_grouped(model) or _is_packed(model) or is_divided(model))


def without(weights: TransformersWeights, given_up: Collection[Shortcut]) -> TransformersWeights:
    """The weights without the shortcuts that are built into the model itself."""
    return replace(weights, model=_model_without(weights, given_up))


def shortcuts_of(
    weights: TransformersWeights, language_model: TransformersLanguageModel
) -> tuple[Shortcut, ...]:
    """The shortcuts that ``language_model`` uses, in the order in which they are given up."""
    cached = not isinstance(language_model, UncachedLanguageModel)
    takes = signature(language_model.model.forward).parameters
    pads = cached and language_model.pads_batches and "past_key_values" in takes
    in_force = {
        Shortcut.CAPTURE: isinstance(language_model, GraphedLanguageModel),
        Shortcut.GROUPED_ATTENTION: is_grouped(weights.model),
        Shortcut.PACKING: _is_packed(weights.model),
        Shortcut.DIVIDED_HEAD: is_divided(weights.model),
        Shortcut.PADDING: pads,
        Shortcut.REWINDING: cached,
        Shortcut.BLOCKS: cached,
        Shortcut.CACHE: cached,
    }
    return tuple(shortcut for shortcut in Shortcut if in_force[shortcut])


def read_without(
    weights: TransformersWeights,
    context: int | None,
    given_up: Collection[Shortcut],
    expected: int | None = None,
) -> TransformersLanguageModel:
    """A language model over ``weights`` that does without some shortcuts.

    Args:
        weights: The weights with their original.
        context: The context length, or None for that of the model.
        given_up: The shortcuts to leave out; if empty, the language model is the fastest one.
        expected: The number of tokens that texts are expected to have, or None if unknown.
    """
    model = _model_without(weights, given_up)
    if Shortcut.CACHE in given_up:
        return UncachedLanguageModel(model, context)
    found = make_language_model(model, context, expected)
    plainer = {Shortcut.CAPTURE, Shortcut.REWINDING, Shortcut.BLOCKS}
    if plainer & set(given_up) and not isinstance(found, UncachedLanguageModel):
        kind = (
            RescaledLanguageModel
            if isinstance(found, RescaledLanguageModel)
            else TransformersLanguageModel
        )
        found = kind(
            model,
            context,
            reads_blocks=Shortcut.BLOCKS not in given_up,
            rewinds=Shortcut.REWINDING not in given_up,
        )
    found.pads_batches = found.pads_batches and Shortcut.PADDING not in given_up
    return found


def _model_without(weights: TransformersWeights, given_up: Collection[Shortcut]) -> PreTrainedModel:
    assert weights.original is not None
    if Shortcut.CACHE in given_up:
        return weights.original
    if Shortcut.PACKING in given_up:
        model = twin(weights.original)
        group_attention(model, on=Shortcut.GROUPED_ATTENTION not in given_up)
        if Shortcut.DIVIDED_HEAD not in given_up:
            divide_head(model)
        return model
    if not {Shortcut.GROUPED_ATTENTION, Shortcut.DIVIDED_HEAD} & set(given_up):
        return weights.model
    model = twin(weights.model)
    if Shortcut.GROUPED_ATTENTION in given_up:
        group_attention(model, on=False)
    if Shortcut.DIVIDED_HEAD in given_up:
        model.set_output_embeddings(weights.original.get_output_embeddings())
    return model


def _is_packed(model: PreTrainedModel) -> bool:
    return next(packed_weights(model), None) is not None
