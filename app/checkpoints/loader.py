"""Loading a recipe: every checkpoint once, with progress and cancel, into an ensemble."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from app.checkpoints.adapters import AdapterFiles
from app.checkpoints.devices import resolve_device
from app.checkpoints.lora import adapted
from app.checkpoints.opening import OpenedRecipe, OpenedRole
from app.checkpoints.prompts import encode_prompt
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.checkpoints.status import LoadProgress, RoleInForce
from app.checkpoints.vocabulary import token_labels
from app.checkpoints.weights import LoadedWeights, load_weights
from app.decoding.detokenizer import Detokenizer
from app.decoding.ensemble import Ensemble, Pair
from app.decoding.language_model import TransformersLanguageModel
from app.errors import Cancelled, DeviceError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class LoadedRecipe:
    """A recipe whose models are in memory.

    Attributes:
        recipe: What was asked for.
        ensemble: The roles, ready to decode.
        roles: What each role runs as, in the order of ``Recipe.roles``.
        eos_ids: Union of the end-of-sequence ids of all roles.
    """

    recipe: Recipe
    ensemble: Ensemble
    roles: tuple[RoleInForce, ...]
    eos_ids: frozenset[int]
    _prompts: tuple[tuple[PreTrainedTokenizerBase, CheckpointSpec], ...]
    _evaluation_of_role: tuple[int, ...]
    _models: tuple[PreTrainedModel, ...]

    def encode(self, prompt: str) -> list[list[int]]:
        """The prompt's ids for each evaluation, in its role's prompt format."""
        return [encode_prompt(tokenizer, spec, prompt) for tokenizer, spec in self._prompts]

    def by_role(self, values: Sequence[T]) -> list[T]:
        """Spread what each evaluation has over the roles, in the order of ``roles``."""
        return [values[place] for place in self._evaluation_of_role]

    def serves(self, recipe: Recipe) -> bool:
        """Whether ``recipe`` asks for these very models and prompts; its alphas may differ."""
        mine, other = self.recipe, recipe
        return (mine.checkpoints(), mine.context, mine.accepted_ids) == (
            other.checkpoints(),
            other.context,
            other.accepted_ids,
        )

    def held_bytes(self) -> dict[str, int]:
        """Bytes of weights on each device."""
        held = Counter[str]()
        counted = set[int]()  # an adapted model shares its tensors with another
        for model in self._models:
            for tensor in (*model.parameters(), *model.buffers()):
                if id(tensor) not in counted:
                    counted.add(id(tensor))
                    held[str(tensor.device)] += tensor.nbytes
        return dict(held)

    def detokenizer(self, prompt: Sequence[int]) -> Detokenizer:
        """Incremental decoding in the base's tokenizer, after the base's prompt ids."""
        return Detokenizer(self._prompts[0][0].backend_tokenizer, prompt)

    def token_labels(self) -> list[str]:
        """What to call each id of the base, [V]."""
        return token_labels(
            self._prompts[0][0].backend_tokenizer, range(self.ensemble.vocabulary_size)
        )


def load_recipe(
    opened: OpenedRecipe,
    masked_ids: Sequence[int],
    on_progress: Callable[[LoadProgress], None] = lambda progress: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> LoadedRecipe:
    """Load every checkpoint of a recipe once and join the roles into an ensemble.

    Args:
        opened: What to load.
        masked_ids: Ids of the base that are never to be generated, of its ``VocabularyReport``.
        on_progress: Called for each role as its weights arrive.
        cancelled: Asked for every tensor.

    Raises:
        CheckpointError: A checkpoint does not fit its configuration.
        DeviceError: A device is not there or out of memory.
        Cancelled: When ``cancelled`` says so; nothing stays loaded.
    """
    recipe = opened.recipe
    assembly = _Assembly(recipe.context, on_progress, cancelled)
    try:
        for role in opened.roles:
            assembly.add(role)
    except BaseException:
        assembly.forget()
        release_memory()
        raise
    models = [evaluation.language_model for evaluation in assembly.evaluations]
    usable = torch.ones(models[0].vocabulary_size, dtype=torch.bool)
    usable[list(masked_ids)] = False
    places = assembly.places
    pairs = [
        Pair(pair.name, places[1 + 2 * index], places[2 + 2 * index])
        for index, pair in enumerate(recipe.pairs)
    ]
    evaluations = assembly.evaluations
    names = [evaluation.role.name for evaluation in evaluations]
    tokenizers = [role.tokenizer for role in opened.roles]
    return LoadedRecipe(
        recipe=recipe,
        ensemble=Ensemble(models, names, pairs, usable),
        roles=tuple(assembly.in_force),
        eos_ids=frozenset(_eos_ids(assembly.models, tokenizers)),
        _prompts=tuple((item.role.tokenizer, item.role.spec) for item in evaluations),
        _evaluation_of_role=tuple(places),
        _models=tuple(assembly.models),
    )


@dataclass(frozen=True, slots=True)
class _Evaluation:
    role: OpenedRole
    language_model: TransformersLanguageModel


@dataclass(frozen=True, slots=True)
class _Key:
    """What has to be the same for two roles to hold the same weights."""

    folder: Path
    dtype: str
    device: str
    quantization: str
    offload: bool
    adapter: Path | None = None


class _Assembly:
    """Loads what no earlier role has loaded, and evaluates apart only what differs."""

    def __init__(
        self,
        context: int,
        on_progress: Callable[[LoadProgress], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self._context = context or None
        self._on_progress = on_progress
        self._cancelled = cancelled
        self._place_of: dict[tuple[_Key, str, str], int] = {}
        self._weights: dict[_Key, LoadedWeights] = {}
        self.evaluations: list[_Evaluation] = []
        self.places: list[int] = []
        self.in_force: list[RoleInForce] = []

    @property
    def models(self) -> list[PreTrainedModel]:
        """Every model; some may share tensors."""
        return [weights.model for weights in self._weights.values()]

    def forget(self) -> None:
        """Let go of everything, so that an error that is still looked at does not hold it."""
        self._weights.clear()
        self.evaluations.clear()

    def add(self, role: OpenedRole) -> None:
        """Give ``role`` its model and its place among the evaluations."""
        spec, adapter = role.spec, role.files.adapter
        key = _Key(
            role.files.folder.resolve(),
            spec.dtype,
            resolve_device(spec.device),
            spec.quantization,
            spec.offload,
        )
        shared = key in self._weights
        if not shared:
            self._weights[key] = self._load(role, key.device)
        if adapter is not None:
            plain, key = key, replace(key, adapter=adapter.folder.resolve())
            if key not in self._weights:
                self._weights[key] = self._adapt(role, adapter, self._weights[plain])
        weights = self._weights[key]
        place = self._place_of.setdefault((key, spec.prompt, spec.system), len(self.evaluations))
        if place == len(self.evaluations):
            language_model = TransformersLanguageModel(weights.model, self._context)
            self.evaluations.append(_Evaluation(role, language_model))
        self.places.append(place)
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
            )
        )

    def _load(self, role: OpenedRole, device: str) -> LoadedWeights:
        return load_weights(
            role,
            device,
            lambda done, total: self._on_progress(LoadProgress(role.name, done, total)),
            self._cancelled,
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
        return replace(weights, model=adapted(weights.model, adapter))


def _eos_ids(
    models: Iterable[PreTrainedModel], tokenizers: Iterable[PreTrainedTokenizerBase]
) -> Iterator[int]:
    named = [model.config.eos_token_id for model in models]
    named += [model.generation_config.eos_token_id for model in models if model.generation_config]
    named += [tokenizer.eos_token_id for tokenizer in tokenizers]
    for ids in named:
        if ids is not None:
            yield from ids if isinstance(ids, list) else [ids]


def release_memory() -> None:
    """Give what models held back to the system, once nothing refers to them any more."""
    gc.collect()  # models hold reference cycles
    if torch.accelerator.is_available():
        torch.accelerator.empty_cache()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc keeps freed pages otherwise
        if trim is not None:
            trim(0)
