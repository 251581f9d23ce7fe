"""Loader of recipes: reads every checkpoint once and joins the roles into an ensemble."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import torch

from app.checkpoints.devices import hardware_name
from app.checkpoints.endpoint_address import address_of
from app.checkpoints.endpoints.connecting import connect
from app.checkpoints.engine_options import LLAMA_CPP, TRANSFORMERS
from app.checkpoints.fingerprint import fingerprint
from app.checkpoints.loading.engine_loader import EngineLoader, LoadControl, keys_of
from app.checkpoints.loading.llama_loader import LlamaLoader
from app.checkpoints.loading.loaded_pairs import LoadedPairs
from app.checkpoints.loading.loaded_recipe import LoadedRecipe, Weights
from app.checkpoints.loading.loaded_weights import LoadedWeights
from app.checkpoints.loading.transformers_loader import TransformersLoader
from app.checkpoints.memory.heap import forget_frames, release_memory, tensors_apart
from app.checkpoints.opening import OpenedRecipe, OpenedRole
from app.checkpoints.prompts import marks_of
from app.checkpoints.proof.proof_report import Proof, ProofMode
from app.checkpoints.spec import STRICT, Recipe
from app.checkpoints.status import LoadProgress, RoleInForce
from app.checkpoints.structured_output import StructuredOutput
from app.checkpoints.vocabulary.bridging import make_bridge
from app.checkpoints.vocabulary.compare import ids_named
from app.checkpoints.vocabulary.text_encoding import continuation_encoder
from app.checkpoints.weights_key import WeightsKey
from app.decoding.bridge.bridged_model import BridgedLanguageModel
from app.decoding.bridge.pair_model import PairModel
from app.decoding.bridge.vocabulary_bridge import VocabularyBridge
from app.decoding.combining import Pair
from app.decoding.ensemble import Ensemble
from app.decoding.language_model import LanguageModel
from app.decoding.thinking import forms_of
from app.errors import RecipeError


def load_recipe(
    opened: OpenedRecipe,
    masked_ids: Sequence[int],
    on_progress: Callable[[LoadProgress], None] = lambda progress: None,
    cancelled: Callable[[], bool] = lambda: False,
    held: dict[WeightsKey, LoadedWeights] | None = None,
    spare: int = 0,
    proof: ProofMode = ProofMode.KEPT,
    bridged: Collection[str] = (),
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
        proof: Whether models are compared with plain forward passes, or llama.cpp's with itself.
        bridged: The names of the roles with another vocabulary, from the ``VocabularyReport``.

    Raises:
        CheckpointError: A checkpoint does not fit its configuration.
        DeviceError: A device does not exist or is out of memory.
        ModelError: The logits of a model are not finite or not reproducible.
        RecipeError: The models are on a server that tunes.
        Cancelled: ``cancelled`` returned true; nothing stays loaded.
    """
    recipe = opened.recipe
    if recipe.base.tuned:  # with pairs here too it would be tuned twice
        raise RecipeError(
            "This needs the models here, and the base is tuned on a server",
            evidence="the recipe has tuned = true",
            next_step="Name a base on this machine.",
        )
    held = {} if held is None else held
    control = LoadControl(recipe.context or None, on_progress, cancelled, _mixed(opened.roles))
    assembly = _Assembly(control, held, _strict_roles(recipe).intersection(bridged))
    _assemble(assembly, opened.roles, held, spare, proof)
    models = assembly.models(bridged)
    usable = torch.ones(models[0].vocabulary_size, dtype=torch.bool)
    usable[list(masked_ids)] = False
    indices = assembly.context_of_role
    pairs = _pairs(recipe, indices[1:])
    contexts = assembly.contexts
    names = [context.role.name for context in contexts]
    tokenizers = [role.tokenizer for role in opened.roles]
    eos_ids = assembly.eos_ids(role for role in opened.roles if role.name not in bridged)
    backend = contexts[0].role.tokenizer.backend_tokenizer
    return LoadedRecipe(
        recipe=recipe,
        ensemble=Ensemble(models, names, pairs, usable),
        roles=tuple(assembly.in_force),
        eos_ids=eos_ids,
        structured_output=StructuredOutput(backend, models[0].vocabulary_size, eos_ids),
        _prompts=tuple((item.role.tokenizer, item.role.spec) for item in contexts),
        _context_of_role=tuple(indices),
        weights=assembly.weights,
        thinking_forms=forms_of(text for each in tokenizers for text in marks_of(each)),
    )


def load_pairs(
    opened: OpenedRecipe,
    masked_ids: Sequence[int],
    on_progress: Callable[[LoadProgress], None] = lambda progress: None,
    spare: int = 0,
    proof: ProofMode = ProofMode.KEPT,
) -> LoadedPairs:
    """Load the pairs of a recipe whose base another program runs; arguments as of load_recipe.

    Raises:
        CheckpointError: A checkpoint does not fit its configuration.
        DeviceError: A device does not exist or is out of memory.
        ModelError: The logits of a model are not finite or not reproducible.
    """
    recipe, (base, *roles) = opened.recipe, opened.roles
    control = LoadControl(recipe.context or None, on_progress, lambda: False, _mixed(roles))
    assembly = _Assembly(control, {}, ())
    _assemble(assembly, roles, {}, spare, proof)
    usable = torch.ones(base.config.get_text_config().vocab_size, dtype=torch.bool)
    usable[list(masked_ids)] = False
    contexts = assembly.contexts
    pairs = _pairs(recipe, assembly.context_of_role)
    names = [context.role.name for context in contexts]
    return LoadedPairs(
        recipe=recipe,
        ensemble=Ensemble(assembly.models(()), names, pairs, usable),
        roles=tuple(assembly.in_force),
        base=base,
        formats=tuple((item.role.tokenizer, item.role.spec) for item in contexts),
    )


def _pairs(recipe: Recipe, contexts: Sequence[int]) -> list[Pair]:
    """The pairs, from the model context of each expert and anti-expert in turn."""
    return [
        Pair(pair.name, contexts[2 * number], contexts[2 * number + 1])
        for number, pair in enumerate(recipe.pairs)
    ]


def _mixed(roles: Iterable[OpenedRole]) -> bool:
    return len({role.engine for role in roles if not role.spec.is_endpoint}) > 1


def _assemble(
    assembly: _Assembly,
    roles: Sequence[OpenedRole],
    held: dict[WeightsKey, LoadedWeights],
    spare: int,
    proof: ProofMode,
) -> None:
    """Load, prove and add roles; if it fails, nothing stays in memory."""
    try:
        with tensors_apart():
            for role in sorted(roles, key=lambda role: role.spec.offload):
                assembly.load(role)  # roles that must fit come before those that may be offloaded
            assembly.make_faster(roles, spare)
            for role in roles:
                assembly.prove(role, proof)
            for role in roles:
                assembly.add(role)
    except BaseException as error:
        held.clear()
        assembly.forget()
        forget_frames(error)
        release_memory()
        raise


def _strict_roles(recipe: Recipe) -> frozenset[str]:
    """The names of the roles that know only tokens of the same bytes as tokens of the base."""
    names = [name for name, _ in recipe.roles()[1:]]
    strict = [recipe.vocabulary_of(place // 2) == STRICT for place in range(len(names))]
    return frozenset(name for name, on in zip(names, strict, strict=True) if on)


def still_needed(loaded: LoadedRecipe, opened: OpenedRecipe) -> dict[WeightsKey, LoadedWeights]:
    """The weights of the loaded recipe that ``opened`` uses as well."""
    wanted = {key for role in opened.roles for key in keys_of(role)}
    return {key: weights for key, weights in loaded.weights.items() if key in wanted}


@dataclass(frozen=True, slots=True)
class _Context:
    role: OpenedRole
    language_model: LanguageModel


class _Assembly:
    """Loads each set of weights once and makes one model context per weights and prompt format.

    Args:
        control: Progress and cancellation of the load.
        held: Weights that are in memory.
        strict: The names of the roles that know only tokens of the same bytes.
    """

    def __init__(self, control: LoadControl, held: Weights, strict: Collection[str]) -> None:
        self._control = control
        self._strict = strict
        self._loaders: dict[str, EngineLoader] = {
            TRANSFORMERS: TransformersLoader(control, held),
            LLAMA_CPP: LlamaLoader(control, held),
        }
        self._index_of: dict[tuple[WeightsKey, str, str, str, bool], int] = {}
        self._used = set[WeightsKey]()
        self._proofs: dict[WeightsKey, Proof] = {}
        self.contexts: list[_Context] = []
        self.context_of_role: list[int] = []
        self.in_force: list[RoleInForce] = []

    @property
    def weights(self) -> dict[WeightsKey, LoadedWeights]:
        """The weights that all engines hold."""
        return {
            key: weights
            for loader in self._loaders.values()
            for key, weights in loader.weights.items()
        }

    def models(self, bridged: Collection[str]) -> list[LanguageModel]:
        """The model of each context; those of another vocabulary read the base's tokens."""
        base = self.contexts[0]
        rows = base.language_model.vocabulary_size
        bridges: dict[tuple[int, int, bool], VocabularyBridge] = {}
        found: list[LanguageModel] = []
        for role, model in ((each.role, each.language_model) for each in self.contexts):
            if role.name not in bridged:
                found.append(model)
                continue
            strict = role.name in self._strict
            key = (id(role.tokenizer), model.vocabulary_size, strict)
            if key not in bridges:
                bridges[key] = make_bridge(
                    base.role.tokenizer.backend_tokenizer,
                    role.tokenizer.backend_tokenizer,
                    (rows, model.vocabulary_size),
                    (self.eos_ids([base.role]), self.eos_ids([role])),
                    strict=strict,
                )
            encode = continuation_encoder(role.tokenizer.backend_tokenizer)
            found.append(BridgedLanguageModel(cast("PairModel", model), bridges[key], encode))
        return found

    def eos_ids(self, roles: Iterable[OpenedRole]) -> frozenset[int]:
        """The union of the end-of-sequence ids of roles that share a vocabulary."""
        roles = list(roles)
        weights = self.weights
        keys = {keys_of(role)[1] for role in roles if not role.spec.is_endpoint}
        named = [each for key in keys for each in weights[key].eos_ids]
        return ids_named([*named, *(role.tokenizer.eos_token_id for role in roles)])

    def forget(self) -> None:
        """Drop all references, so that the traceback of an error does not keep models alive."""
        for loader in self._loaders.values():
            loader.forget()
        self.contexts.clear()

    def load(self, role: OpenedRole) -> None:
        """Load the weights of ``role`` without its adapter, unless they are loaded or remote."""
        if not role.spec.is_endpoint:
            self._loaders[role.engine].load(role)

    def make_faster(self, roles: Iterable[OpenedRole], spare: int) -> None:
        """Apply adapters, and add the shortcuts of each engine."""
        for role in roles:
            if not role.spec.is_endpoint:
                self._loaders[role.engine].adapt(role)
        for loader in self._loaders.values():
            loader.make_faster(spare)

    def prove(self, role: OpenedRole, mode: ProofMode) -> None:
        """Compare the model of ``role`` with its reference, unless another role has it.

        Raises:
            ModelError: The logits of the model are not finite or not reproducible.
        """
        if not role.spec.is_endpoint:
            _, key = keys_of(role)
            self._proofs[key] = self._loaders[role.engine].prove(role, mode)

    def add(self, role: OpenedRole) -> None:
        """Assign ``role`` its model context, possibly the one of an earlier role."""
        if role.spec.is_endpoint:
            self._connect(role)
            return
        spec, loader = role.spec, self._loaders[role.engine]
        plain, key = keys_of(role)
        shared = plain in self._used
        self._used.add(plain)
        kept = spec.kv_cache if role.engine == LLAMA_CPP else ""
        strict = role.name in self._strict
        known = (key, spec.prompt, spec.system, kept, strict)
        index = self._index_of.setdefault(known, len(self.contexts))
        if index == len(self.contexts):
            self.contexts.append(_Context(role, loader.language_model(role)))
        self.context_of_role.append(index)
        weights = loader.weights[key]
        self.in_force.append(
            RoleInForce(
                role=role.name,
                source=spec.source,
                dtype=weights.dtype,
                device=key.device,
                parameters=weights.parameters,
                shared=shared,
                quantization=weights.quantization,
                offloaded=weights.offloaded,
                over=spec.over if role.files.adapter is not None else "",
                revision=role.files.revision,
                fingerprint=fingerprint(role.files),
                hardware=hardware_name(key.device),
                engine=role.engine,
                kv_cache=kept,
                gpu_layers=weights.gpu_layers,
                proof=self._proofs[key],
            )
        )

    def _connect(self, role: OpenedRole) -> None:
        model = connect(role, self._control.context, self._control.cancelled)
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
                engine="",
                model=model.profile.model,
                proof=Proof(not_proved="the model is behind an endpoint"),
            )
        )
