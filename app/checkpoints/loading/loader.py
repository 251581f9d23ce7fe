"""Loader of recipes: reads every checkpoint once and joins the roles into an ensemble."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from transformers import PretrainedConfig, PreTrainedTokenizerBase

from app.checkpoints.context_length import role_context
from app.checkpoints.conversation import Prompt
from app.checkpoints.devices import hardware_name, resolve_device
from app.checkpoints.endpoint_address import address_of
from app.checkpoints.endpoints.connecting import connect
from app.checkpoints.fingerprint import fingerprint
from app.checkpoints.formats.adapters import AdapterFiles
from app.checkpoints.loading.grouped_attention import group_attention
from app.checkpoints.loading.lora import adapted
from app.checkpoints.loading.packed_weights import pack_models, packed_weights
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
from app.checkpoints.prompts import check_rows, encode_continuation, encode_prompt
from app.checkpoints.proof.proof_report import Proof, ProofMode
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.checkpoints.status import LoadProgress, RoleInForce
from app.checkpoints.vocabulary.compare import ids_named, token_labels
from app.checkpoints.weights_key import WeightsKey, weights_keys
from app.decoding.combining import Pair
from app.decoding.detokenizer import Detokenizer
from app.decoding.ensemble import Ensemble
from app.decoding.language_model import LanguageModel
from app.errors import Cancelled, DeviceError

T = TypeVar("T")


Weights = Mapping[WeightsKey, LoadedWeights]


@dataclass(frozen=True, slots=True, eq=False)
class LoadedRecipe:
    """A recipe whose models are in memory.

    Attributes:
        recipe: The recipe.
        ensemble: The roles, ready to decode.
        roles: Device, dtype and so on in force for each role, in the order of ``Recipe.roles``.
        eos_ids: Union of the end-of-sequence ids of all roles.
        weights: The models by weights key; some share tensors.
    """

    recipe: Recipe
    ensemble: Ensemble
    roles: tuple[RoleInForce, ...]
    eos_ids: frozenset[int]
    weights: Weights
    _prompts: tuple[tuple[PreTrainedTokenizerBase, CheckpointSpec], ...]
    _context_of_role: tuple[int, ...]

    def encode(self, prompt: Prompt) -> list[list[int]]:
        """The token ids of the prompt for each model context, in its role's prompt format.

        Raises:
            PromptError: A role cannot read the prompt.
        """
        return [self.encode_for(index, prompt) for index in range(len(self._prompts))]

    def encode_for(self, index: int, prompt: Prompt) -> list[int]:
        """The token ids of the prompt for the model context at this index.

        Raises:
            PromptError: The role cannot read the prompt.
        """
        tokenizer, spec = self._prompts[index]
        ids = encode_prompt(tokenizer, spec, prompt)
        self.check_ids(index, ids)
        return ids

    def check_ids(self, index: int, ids: Sequence[int]) -> None:
        """Check that the embedding of the model context at this index has a row for every id.

        Raises:
            PromptError: An id has no row.
        """
        ensemble = self.ensemble
        rows = ensemble.models[index].vocabulary_size
        check_rows(ids, rows, ensemble.names[index], self._prompts[index][0])

    def check_following(self, ids: Sequence[int], role: int | None = None) -> None:
        """Check that the models have embedding rows for ids that follow a prompt.

        Args:
            ids: Token ids, for example of a text to be scored.
            role: The index of the role that reads them, or None for all roles.

        Raises:
            PromptError: An id has no row.
        """
        indices = range(len(self._prompts)) if role is None else [self.context_index(role)]
        for index in indices:
            self.check_ids(index, ids)

    def encode_continuation(self, text: str) -> list[int]:
        """The token ids of a text that follows a prompt, in the base's tokenizer."""
        return encode_continuation(self._prompts[0][0], text)

    @property
    def formats(self) -> tuple[tuple[PreTrainedTokenizerBase, CheckpointSpec], ...]:
        """The tokenizer of each model context, and the checkpoint that names its prompt format."""
        return self._prompts

    def context_index(self, role: int) -> int:
        """The index of the model context of the role at index ``role`` of ``roles``."""
        return self._context_of_role[role]

    def by_role(self, values: Sequence[T]) -> list[T]:
        """Spread one value per model context over the roles, in the order of ``roles``."""
        return [values[index] for index in self._context_of_role]

    def held_bytes(self) -> dict[str, int]:
        """Bytes of weights on each device."""
        held = Counter[str]()
        counted = set[int]()  # an adapted model shares its tensors with another
        for weights in self.weights.values():
            for tensor in (*weights.model.parameters(), *weights.model.buffers()):
                if id(tensor) not in counted:
                    counted.add(id(tensor))
                    held[str(tensor.device)] += tensor.nbytes
            for packed in packed_weights(weights.model):
                if id(packed) not in counted:
                    counted.add(id(packed))
                    held["cpu"] += packed.nbytes
        return dict(held)

    def detokenizer(self, prompt: Sequence[int]) -> Detokenizer:
        """Incremental decoding in the base's tokenizer, after the base's prompt ids."""
        return Detokenizer(self._prompts[0][0].backend_tokenizer, prompt)

    def token_labels(self) -> list[str]:
        """A label for each id of the base, [V]."""
        return token_labels(
            self._prompts[0][0].backend_tokenizer, range(self.ensemble.vocabulary_size)
        )


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
                lambda done, total: on_progress(LoadProgress(opened.roles[0].name, done, total)),
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
                weights, role_context(role, self._context), proof.given_up
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
