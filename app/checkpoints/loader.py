"""Loading a recipe: every checkpoint once, with progress and cancel, into an ensemble."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from app.checkpoints.devices import out_of_memory, resolve_device
from app.checkpoints.opening import OpenedRecipe, OpenedRole, quiet, unknown_model
from app.checkpoints.prompts import encode_prompt
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.checkpoints.status import LoadProgress, RoleInForce
from app.checkpoints.vocabulary import token_labels
from app.decoding.detokenizer import Detokenizer
from app.decoding.ensemble import Ensemble, Pair
from app.decoding.language_model import TransformersLanguageModel
from app.errors import Cancelled, CheckpointError

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
        for model in self._models:
            for tensor in (*model.parameters(), *model.buffers()):
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
    assembly = _Assembly(on_progress, cancelled)
    for role in opened.roles:
        assembly.add(role)
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
        eos_ids=frozenset(_eos_ids(assembly.models.values(), tokenizers)),
        _prompts=tuple((item.role.tokenizer, item.role.spec) for item in evaluations),
        _evaluation_of_role=tuple(places),
        _models=tuple(assembly.models.values()),
    )


@dataclass(frozen=True, slots=True)
class _Evaluation:
    role: OpenedRole
    language_model: TransformersLanguageModel


class _Assembly:
    """Loads what no earlier role has loaded, and evaluates apart only what differs."""

    def __init__(
        self,
        on_progress: Callable[[LoadProgress], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self._on_progress = on_progress
        self._cancelled = cancelled
        self._place_of: dict[tuple[str, ...], int] = {}
        self.models: dict[tuple[str, ...], PreTrainedModel] = {}
        self.evaluations: list[_Evaluation] = []
        self.places: list[int] = []
        self.in_force: list[RoleInForce] = []

    def add(self, role: OpenedRole) -> None:
        """Give ``role`` its model and its place among the evaluations."""
        spec = role.spec
        device = resolve_device(spec.device)
        weights = (str(role.files.folder.resolve()), spec.dtype, device)
        shared = weights in self.models
        if not shared:
            self.models[weights] = _load_model(role, device, self._on_progress, self._cancelled)
        model = self.models[weights]
        place = self._place_of.setdefault(
            (*weights, spec.prompt, spec.system), len(self.evaluations)
        )
        if place == len(self.evaluations):
            self.evaluations.append(_Evaluation(role, TransformersLanguageModel(model)))
        self.places.append(place)
        dtype = str(model.dtype).removeprefix("torch.")
        self.in_force.append(
            RoleInForce(role.name, spec.source, dtype, device, int(model.num_parameters()), shared)
        )


def _load_model(
    role: OpenedRole,
    device: str,
    on_progress: Callable[[LoadProgress], None],
    cancelled: Callable[[], bool],
) -> PreTrainedModel:
    files, spec = role.files, role.spec
    total = files.weight_bytes

    def report(share: float) -> None:
        if cancelled():
            raise Cancelled
        on_progress(LoadProgress(role.name, int(total * share), total))

    report(0.0)
    try:
        with _watched(report):
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                files.folder,
                dtype=spec.dtype if spec.dtype == "auto" else getattr(torch, spec.dtype),
                device_map={"": device},
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                ignore_mismatched_sizes=True,  # they are named below
                output_loading_info=True,
            )
    except Cancelled:
        raise
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise out_of_memory(f"loading the {role.name}", device, total) from error
    except Exception as error:
        raise unknown_model(files.folder, error) from error
    model: PreTrainedModel = loaded[0]
    info: dict[str, Any] = loaded[1]
    wrong = sorted([*info["missing_keys"], *(name for name, *_ in info["mismatched_keys"])])
    if wrong:
        raise CheckpointError(
            f"The weights in {files.folder} do not fit its configuration",
            evidence=f"{len(wrong)} tensors are missing or of another shape, such as {wrong[0]}",
            next_step="Download or copy the checkpoint again.",
        )
    report(1.0)
    model.eval()
    return model


@contextmanager
def _watched(report: Callable[[float], None]) -> Iterator[None]:
    """Turn the loading bar of transformers into calls of ``report``, which may raise to cancel."""

    def bar(factory: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterable[Any]:
        items = list(args[0] if args else kwargs["iterable"])

        def steps() -> Generator[Any, None, None]:
            for done, item in enumerate(items):
                report(done / len(items))
                yield item

        return steps()

    previous = transformers_logging.set_tqdm_hook(bar)
    try:
        with quiet():
            yield
    finally:
        transformers_logging.set_tqdm_hook(previous)


def _eos_ids(
    models: Iterable[PreTrainedModel], tokenizers: Iterable[PreTrainedTokenizerBase]
) -> Iterator[int]:
    named = [model.config.eos_token_id for model in models]
    named += [model.generation_config.eos_token_id for model in models if model.generation_config]
    named += [tokenizer.eos_token_id for tokenizer in tokenizers]
    for ids in named:
        if ids is not None:
            yield from ids if isinstance(ids, list) else [ids]
