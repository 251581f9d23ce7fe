"""What a training will do, before it does it: data, examples, settings, memory and warnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.checkpoints.context_length import role_context
from app.checkpoints.devices import free_bytes, resolve_device
from app.checkpoints.engine_options import TRANSFORMERS
from app.checkpoints.memory.estimate import estimate_memory as estimate_loaded
from app.checkpoints.memory.role_footprint import footprint_of
from app.checkpoints.opening import OpenedRecipe, OpenedRole, open_recipe
from app.checkpoints.preflight_report import MemoryEstimate
from app.checkpoints.spec import CHAT, PLAIN, CheckpointSpec, ExpertPair, Recipe
from app.checkpoints.vocabulary.compare import compare_vocabularies, require_shared
from app.errors import TrainingError
from app.training.data_files import DataFiles, read_data
from app.training.documents import Document
from app.training.example_encoding import (
    Example,
    ExamplePreview,
    encode_document,
    encode_documents,
    preview,
    suitable_format,
)
from app.training.judged_documents import check_judged, count_without_match
from app.training.secret_patterns import secrets_in
from app.training.small_model import open_small, training_dtype
from app.training.split import Split, split_documents
from app.training.training_memory import TrainingMemory, estimate_memory, parameters_of
from app.training.training_plan import TrainingPlan
from app.training.training_settings import TrainingSettings, most_tokens_for, settings_for

PREVIEWS = 3
_FEW_DOCUMENTS = 50
_ANY_LENGTH = 1 << 30


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What a person asks for.

    Attributes:
        data: A folder, or a file of texts, JSON lines or a table.
        small: The model to train.
        base: The model that the expert is to tune.
        name: The name of the expert; by default that of the data.
        prompt: The prompt format of the examples; by default one that suits the data.
        negative: Whether the texts are what to steer away from.
        match: A regular expression for what is compared of an answer; empty for no comparison.
        settings: Settings that differ from those that suit the data, by name.
    """

    data: Path
    small: CheckpointSpec
    base: CheckpointSpec
    name: str = ""
    prompt: str = ""
    negative: bool = False
    match: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DataSummary:
    """What the data are.

    Attributes:
        files: The number of files.
        documents: The number of documents that were read.
        training: How many are trained on.
        held_out: How many are held out.
        repeated: How many were left out because another one is the same.
        similar: How many were left out because a held-out one is nearly the same.
        examples: The number of examples that are trained on.
        tokens: The number of their tokens.
        median: The tokens of the example in the middle.
        longest: The tokens of the longest one, before it is cut.
        cut: How many examples are cut.
        warnings: What a person should look at first.
    """

    files: int
    documents: int
    training: int
    held_out: int
    repeated: int
    similar: int
    examples: int
    tokens: int
    median: int
    longest: int
    cut: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preparation:
    """A training that can begin.

    Attributes:
        plan: The plan.
        split: The documents.
        summary: What the data are.
        previews: The first examples as the small model reads them.
        memory: The memory that the training takes.
        judging: The memory of the base and the pair, which are loaded after it.
        steps: The number of steps of a full training.
    """

    plan: TrainingPlan
    split: Split
    summary: DataSummary
    previews: tuple[ExamplePreview, ...]
    memory: TrainingMemory
    judging: MemoryEstimate
    steps: int


def prepare_training(
    request: TrainingRequest, cancelled: Callable[[], bool] = lambda: False
) -> Preparation:
    """Read the data and the small model's tokenizer; no weights are read.

    Raises:
        TuneshiftError: The data or the small model cannot be used.
        Cancelled: ``cancelled`` returned True.
    """
    data = read_data(request.data)
    split = split_documents(data.documents)
    role = open_small(_by_transformers(request.small), cancelled)
    chosen = request.prompt or suitable_format(data.documents, role.tokenizer)
    role = replace(role, spec=replace(role.spec, prompt=chosen))
    whole = _examples(role, split.training, _ANY_LENGTH)
    most = _most_tokens(request, role, whole)
    examples = _examples(role, split.training, most)
    _examples(role, split.choosing, most)  # the held-out loss needs some too
    settings, memory = _fitting(role, _settings(request, role, len(examples), most))
    name = request.name or request.data.name.partition(".")[0] or "Expert"
    base = _base(request, role.spec)
    opened = _opened(base, role.spec, cancelled)
    require_shared(compare_vocabularies(opened))
    check_judged(split, opened, role.spec)
    plan = TrainingPlan(
        name=name,
        small=role.spec,
        base=base,
        settings=settings,
        negative=request.negative,
        match=request.match,
        data=request.data.name,
    )
    return Preparation(
        plan,
        split,
        _summary(data, split, whole, examples, _setting_warnings(request, split, role.spec, most)),
        tuple(_previews(role, split.training, settings.most_tokens)),
        memory,
        estimate_loaded(opened, {}, kept_rows=0),
        settings.steps(len(examples)),
    )


def _examples(role: OpenedRole, documents: Sequence[Document], most: int) -> list[Example]:
    found = encode_documents(role.tokenizer, role.spec, documents, most)
    if not found:
        raise TrainingError(
            "There is nothing to learn in the documents",
            evidence=f"{documents[0].name} has no token after its beginning, nor have others",
            next_step="Give longer texts.",
        )
    return found


def _most_tokens(request: TrainingRequest, role: OpenedRole, whole: Sequence[Example]) -> int:
    return most_tokens_for(
        max(len(example.ids) for example in whole),
        context=role_context(role, 0),
        on_cpu=_is_on_cpu(role),
        given=request.settings.get("most_tokens"),
    )


def _settings(
    request: TrainingRequest, role: OpenedRole, examples: int, most_tokens: int
) -> TrainingSettings:
    return settings_for(
        examples,
        most_tokens,
        parameters_of(footprint_of(role)),
        on_cpu=_is_on_cpu(role),
        given=request.settings,
    )


def _is_on_cpu(role: OpenedRole) -> bool:
    return resolve_device(role.spec.device) == "cpu"


def _fitting(
    role: OpenedRole, settings: TrainingSettings
) -> tuple[TrainingSettings, TrainingMemory]:
    """The settings, changed where memory is short: fewer rows at once, then recomputation."""
    smaller = [settings]
    while smaller[-1].batch_rows > 1:
        smaller.append(smaller[-1].with_fewer_rows())
    tried = [*smaller, replace(smaller[-1], recompute=True)]
    found = [(each, _memory(role, each)) for each in tried]
    return next((pair for pair in found if pair[1].fits), found[-1])


def _memory(role: OpenedRole, settings: TrainingSettings) -> TrainingMemory:
    device = resolve_device(role.spec.device)
    footprint = footprint_of(role)
    text = role.config.get_text_config(decoder=True)
    return estimate_memory(
        footprint,
        int(getattr(text, "num_hidden_layers", 0) or 0),
        settings,
        dtype=training_dtype(role.spec, parameters_of(footprint), device),
        quantization=role.spec.quantization,
        device=device,
        free=free_bytes(device),
    )


def _by_transformers(spec: CheckpointSpec) -> CheckpointSpec:
    """The model as it can be trained: a GGUF file converted, and not by llama.cpp."""
    return replace(spec, engine=TRANSFORMERS) if spec.is_gguf else spec


def _base(request: TrainingRequest, small: CheckpointSpec) -> CheckpointSpec:
    """The base with the prompt format of the examples, unless it has one of its own.

    Where it is the small model itself, both share their weights.
    """
    base = request.base
    if base.source == request.small.source:
        base = _by_transformers(base)
    if base.prompt == PLAIN:
        base = replace(base, prompt=small.prompt)
    return base


def _opened(
    base: CheckpointSpec, small: CheckpointSpec, cancelled: Callable[[], bool]
) -> OpenedRecipe:
    """The recipe that the gate will load, but for the adapter, with its files checked."""
    recipe = Recipe("training", base, (ExpertPair("small model", small, small),))
    opened = open_recipe(recipe, cancelled=cancelled)
    for opened_role in opened.roles:
        if opened_role.spec.prompt == CHAT and not opened_role.tokenizer.chat_template:
            raise TrainingError(
                f"The {opened_role.name} has no chat template",
                evidence=f"{opened_role.spec.source} is to read the examples with one",
                next_step="Give another format with --prompt-format.",
            )
    return opened


def _previews(role: OpenedRole, documents: Sequence[Document], most: int) -> list[ExamplePreview]:
    shown = documents[:PREVIEWS]
    return [
        preview(
            role.tokenizer, document, encode_document(role.tokenizer, role.spec, document, most)
        )[0]
        for document in shown
    ]


def _summary(
    data: DataFiles,
    split: Split,
    whole: Sequence[Example],
    examples: Sequence[Example],
    warnings: Sequence[str],
) -> DataSummary:
    lengths = sorted(len(example.ids) for example in whole)
    cut = sum(example.cut for example in examples)
    return DataSummary(
        files=data.files,
        documents=len(data.documents),
        training=len(split.training),
        held_out=len(split.choosing) + len(split.judging),
        repeated=split.repeated,
        similar=split.similar,
        examples=len(examples),
        tokens=sum(len(example.ids) for example in examples),
        median=lengths[len(lengths) // 2],
        longest=lengths[-1],
        cut=cut,
        warnings=(*_warnings(data, split, cut, len(examples)), *warnings),
    )


def _setting_warnings(
    request: TrainingRequest, split: Split, small: CheckpointSpec, most_tokens: int
) -> list[str]:
    """What a person should know of the settings that they chose.

    Raises:
        TrainingError: The regular expression for answers finds nothing in them.
    """
    found = []
    if request.settings.get("most_tokens", most_tokens) > most_tokens:
        found.append(f"Examples are cut at {most_tokens:,} tokens, the context of the small model.")
    missing = count_without_match(split, small, request.match) if request.match else 0
    if missing:
        found.append(
            f"The regular expression for answers finds nothing in {missing:,} expected ones, "
            "which count as wrong."
        )
    return found


def _warnings(data: DataFiles, split: Split, cut: int, examples: int) -> list[str]:
    found = []
    count = len(data.documents)
    if count < _FEW_DOCUMENTS:
        found.append(f"There are few documents ({count}): the verdict will be uncertain.")
    if data.cut:
        found.append(
            "There are few files, so their texts are cut into sections: the held-out ones "
            "come from the same files as the others."
        )
    if cut:
        found.append(f"{cut:,} of {examples:,} examples are too long and are cut.")
    if split.similar:
        found.append(f"{split.similar:,} near-duplicates of held-out documents were left out.")
    secrets = Counter(kind for document in data.documents for kind in secrets_in(document.content))
    first = {
        kind: next(d.name for d in data.documents if kind in secrets_in(d.content))
        for kind in secrets
    }
    found += [
        f"{first[kind]} holds {kind}, as do {times:,} documents in all: a model may repeat it."
        if times > 1
        else f"{first[kind]} holds {kind}: a model may repeat it."
        for kind, times in secrets.items()
    ]
    return found
