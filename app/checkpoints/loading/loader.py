"""Loader of recipes: reads every checkpoint once and joins the roles into an ensemble."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from transformers import PretrainedConfig, PreTrainedTokenizerBase

from app.checkpoints.context_length import role_context
from app.checkpoints.devices import hardware_name, resolve_device
from app.checkpoints.endpoint_address import address_of
from app.checkpoints.endpoints.connecting import connect
from app.checkpoints.fingerprint import fingerprint
from app.checkpoints.formats.adapters import AdapterFiles
from app.checkpoints.loading.grouped_attention import group_attention
from app.checkpoints.loading.loaded_recipe import LoadedRecipe, Weights
from app.checkpoints.loading.lora import adapted
from app.checkpoints.loading.packed_weights import pack_models
from app.checkpoints.loading.shortcuts import (
    is_as_loaded,
    read_without,
    with_original,
    without,
)
from app.checkpoints.loading.weights import LoadedWeights, load_weights
from app.checkpoints.loading.weights_proof import proof_of_weights
from app.checkpoints.memory.heap import forget_frames, release_memory, tensors_apart
from app.checkpoints.opening import OpenedRecipe, OpenedRole
from app.checkpoints.prompts import marks_of
from app.checkpoints.proof.proof_report import Proof, ProofMode
from app.checkpoints.status import LoadProgress, RoleInForce
from app.checkpoints.vocabulary.compare import ids_named
from app.checkpoints.weights_key import WeightsKey, weights_keys
from app.decoding.combining import Pair
from app.decoding.ensemble import Ensemble
from app.decoding.language_model import LanguageModel
from app.decoding.thinking import forms_of
from app.errors import Cancelled, DeviceError


def load_recipe(
    opened: OpenedRecipe,
    masked_ids: Sequence[int],
    on_progress: Callable[[LoadProgress], None] = lambda progress: None,
    cancelled: Callable[[], bool] = lambda: False,
    held: dict[WeightsKey, LoadedWeights] | None = None,
    spare: int = 0,
    proof: ProofMode = ProofMode.KEPT,
) -> LoadedRecipe:
    """Load every checkpoint of a recipe once and join the roles into an ensemble.

    Args:
        opened: The recipe with its files.
        masked_ids: Ids of the base that are never generated, from its ``VocabularyReport``.
        on_progress: Called for each role as its weights are read.
        cancelled: Called for every tensor.
        held: Weights in memory that need not be read again, from :func:`still_needed`; the
            dictionary is emptied if the load fails, so that it does not keep them alive.
        spare: Bytes of main memory that packed weights may use.
        proof: Whether models are compared with plain forward passes.

    Raises:
        CheckpointError: A checkpoint does not fit its configuration.
        DeviceError: A device does not exist or is out of memory.
        ModelError: The logits of a model are not finite or not reproducible.
        Cancelled: ``cancelled`` returned true; nothing stays loaded.
    """
    recipe = opened.recipe
    held = {} if held is None else held
    assembly = _Assembly(recipe.context, on_progress, cancelled, held)
    try:
        with tensors_apart():
            for role in sorted(opened.roles, key=lambda role: role.spec.offload):
                assembly.load(role)  # roles that must fit come before those that may be offloaded
            for role in opened.roles:
                assembly.adapt(role)
            for weights in assembly.weights.values():
                group_attention(weights.model)
            pack_models(
                [weights.model for weights in assembly.weights.values()],
                spare,
                lambda done, total: on_progress(
                    LoadProgress(opened.roles[0].name, done, total, packing=True)
                ),
                cancelled,
            )
            for role in opened.roles:
                assembly.prove(role, proof)
            for role in opened.roles:
                assembly.add(role)
    except BaseException as error:
        held.clear()
        assembly.forget()
        forget_frames(error)
        release_memory()
        raise
    models = [context.language_model for context in assembly.contexts]
    usable = torch.ones(models[0].vocabulary_size, dtype=torch.bool)
    usable[list(masked_ids)] = False
    indices = assembly.context_of_role
    pairs = [
        Pair(pair.name, indices[1 + 2 * number], indices[2 + 2 * number])
        for number, pair in enumerate(recipe.pairs)
    ]
    contexts = assembly.contexts
    names = [context.role.name for context in contexts]
    tokenizers = [role.tokenizer for role in opened.roles]
    return LoadedRecipe(
        recipe=recipe,
        ensemble=Ensemble(models, names, pairs, usable),
        roles=tuple(assembly.in_force),
        eos_ids=_eos_ids(assembly.weights, tokenizers),
        _prompts=tuple((item.role.tokenizer, item.role.spec) for item in contexts),
        _context_of_role=tuple(indices),
        weights=assembly.weights,
        thinking_forms=forms_of(text for each in tokenizers for text in marks_of(each)),
    )


def still_needed(loaded: LoadedRecipe, opened: OpenedRecipe) -> dict[WeightsKey, LoadedWeights]:
    """The weights of the loaded recipe that ``opened`` uses as well."""
    wanted = {key for role in opened.roles for key in _keys(role)}
    return {key: weights for key, weights in loaded.weights.items() if key in wanted}


@dataclass(frozen=True, slots=True)
class _Context:
    role: OpenedRole
    language_model: LanguageModel


def _keys(role: OpenedRole) -> tuple[WeightsKey, WeightsKey]:
    return weights_keys(role, resolve_device(role.spec.device))


class _Assembly:
    """Loads each set of weights once and makes one model context per weights and prompt format."""

    def __init__(
        self,
        context: int,
        on_progress: Callable[[LoadProgress], None],
        cancelled: Callable[[], bool],
        held: Weights,
    ) -> None:
        self._context = context or None
        self._on_progress = on_progress
        self._cancelled = cancelled
        self._index_of: dict[tuple[WeightsKey, str, str], int] = {}
        self._held = held
        self.weights: dict[WeightsKey, LoadedWeights] = {}
        self._used = set[WeightsKey]()
        self._proofs: dict[WeightsKey, Proof] = {}
        self.contexts: list[_Context] = []
        self.context_of_role: list[int] = []
        self.in_force: list[RoleInForce] = []

    def forget(self) -> None:
        """Drop all references, so that the traceback of an error does not keep models alive."""
        self.weights.clear()
        self._held = {}
        self.contexts.clear()

    def load(self, role: OpenedRole) -> None:
        """Load the weights of ``role`` without its adapter, unless they are loaded or remote."""
        if role.spec.is_endpoint:
            return
        key, _ = _keys(role)
        if key not in self.weights:
            self.weights[key] = self._held.get(key) or with_original(
                load_weights(
                    role,
                    key.device,
                    lambda done, total: self._on_progress(LoadProgress(role.name, done, total)),
                    self._cancelled,
                )
            )

    def adapt(self, role: OpenedRole) -> None:
        """Apply the adapter of ``role``, if it has one, to the weights that it adapts."""
        adapter = role.files.adapter
        if role.spec.is_endpoint or adapter is None:
            return
        plain, key = _keys(role)
        if key not in self.weights:
            self.weights[key] = self._held.get(key) or self._adapt(
                role, adapter, self.weights[plain]
            )

    def prove(self, role: OpenedRole, mode: ProofMode) -> None:
        """Compare the model of ``role`` with plain forward passes, unless another role has it.

        Raises:
            ModelError: The logits of the model are not finite or not reproducible.
        """
        if role.spec.is_endpoint:
            return
        _, key = _keys(role)
        if key in self._proofs:
            return
        proof = proof_of_weights(
            role,
            self.weights[key],
            role_context(role, self._context),
            mode,
            lambda done, total: self._on_progress(
                LoadProgress(role.name, done, total, proving=True)
            ),
            self._cancelled,
        )
        self._proofs[key] = proof
        self.weights[key] = without(self.weights[key], proof.given_up)

    def add(self, role: OpenedRole) -> None:
        """Assign ``role`` its model context, possibly the one of an earlier role."""
        if role.spec.is_endpoint:
            self._connect(role)
            return
        spec, adapter = role.spec, role.files.adapter
        plain, key = _keys(role)
        proof = self._proofs[key]
        shared = plain in self._used
        self._used.add(plain)
        weights = self.weights[key]
        index = self._index_of.setdefault((key, spec.prompt, spec.system), len(self.contexts))
        if index == len(self.contexts):
            language_model = read_without(
                weights, role_context(role, self._context), proof.given_up, self._context
            )
            self.contexts.append(_Context(role, language_model))
        self.context_of_role.append(index)
        self.in_force.append(
            RoleInForce(
                role=role.name,
                source=spec.source,
                dtype=weights.dtype,
                device=key.device,
                parameters=int(weights.model.num_parameters()),
                shared=shared,
                quantization=weights.quantization,
                offloaded=weights.offloaded,
                over=spec.over if adapter is not None else "",
                revision=role.files.revision,
                fingerprint=fingerprint(role.files),
                hardware=hardware_name(key.device),
                proof=proof,
            )
        )

    def _connect(self, role: OpenedRole) -> None:
        model = connect(role, self._context, self._cancelled)
        self.context_of_role.append(len(self.contexts))
        self.contexts.append(_Context(role, model))
        self.in_force.append(
            RoleInForce(
                role=role.name,
                source=role.spec.source,
                dtype="",
                device=address_of(role.spec.source).host,
                parameters=0,
                shared=False,
                model=model.profile.model,
                proof=Proof(not_proved="the model is behind an endpoint"),
            )
        )

    def _adapt(
        self, role: OpenedRole, adapter: AdapterFiles, weights: LoadedWeights
    ) -> LoadedWeights:
        if weights.offloaded:
            raise DeviceError(
                f"The adapter of the {role.name} cannot be used over layers in main memory",
                evidence=f"{weights.offloaded:.0%} of the weights are offloaded",
                next_step="Switch offload off for this pair, or quantize it so that it fits.",
            )
        if self._cancelled():
            raise Cancelled
        assert weights.original is not None
        original = adapted(weights.original, adapter)
        if is_as_loaded(weights):
            return with_original(replace(weights, model=original))
        return replace(weights, model=adapted(weights.model, adapter), original=original)


def _eos_ids(weights: Weights, tokenizers: Iterable[PreTrainedTokenizerBase]) -> frozenset[int]:
    models = [loaded.model for loaded in weights.values()]
    named = [_own_eos_id(model.config) for model in models]
    named += [model.generation_config.eos_token_id for model in models if model.generation_config]
    named += [tokenizer.eos_token_id for tokenizer in tokenizers]
    return ids_named(named)


def _own_eos_id(config: PretrainedConfig) -> object:
    """The end-of-sequence ids of a configuration, or of its text model if it is multimodal."""
    text = config.get_text_config(decoder=True)
    return getattr(config, "eos_token_id", getattr(text, "eos_token_id", None))
