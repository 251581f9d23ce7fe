"""What a training will do, before it does it: data, examples, settings, memory and warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from app.checkpoints.context_length import role_context
from app.checkpoints.devices import resolve_device
from app.checkpoints.engine_options import TRANSFORMERS
from app.checkpoints.memory.estimate import estimate_memory as estimate_loaded
from app.checkpoints.memory.role_footprint import footprint_of
from app.checkpoints.opening import OpenedRecipe, OpenedRole, open_recipe
from app.checkpoints.spec import CHAT, PLAIN, CheckpointSpec, ExpertPair, Recipe
from app.checkpoints.vocabulary.compare import compare_vocabularies, require_shared, token_labels
from app.errors import TrainingError
from app.training.adapter.example_encoding import (
    Example,
    encode_document,
    encode_documents,
    suitable_format,
)
from app.training.adapter.fitting_settings import fitting_settings
from app.training.adapter.small_model import open_small
from app.training.data.data_files import DataFiles, read_data
from app.training.data.documents import Document
from app.training.data.split import Split, split_documents
from app.training.judging.judged_documents import check_judged, count_without_match
from app.training.plan.training_memory import parameters_of
from app.training.plan.training_plan import TrainingPlan
from app.training.plan.training_settings import TrainingSettings, most_tokens_for, settings_for
from app.training.preparing.data_warnings import Concern, DataWarning, warnings_of
from app.training.preparing.prepared_training import (
    DataSummary,
    ExamplePreview,
    Preparation,
    TrainingRequest,
)

PREVIEWS = 3
_ANY_LENGTH = 1 << 30


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
    whole = _examples(role, split.training, _ANY_LENGTH, cancelled)
    most = _most_tokens(request, role, whole)
    examples = _examples(role, split.training, most, cancelled)
    _examples(role, split.choosing, most, cancelled)  # the held-out loss needs some too
    settings, memory = fitting_settings(role, _settings(request, role, len(examples), most))
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


def _examples(
    role: OpenedRole, documents: Sequence[Document], most: int, cancelled: Callable[[], bool]
) -> list[Example]:
    found = encode_documents(role.tokenizer, role.spec, documents, most, cancelled)
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
                next_step="Choose another prompt format (--prompt-format).",
            )
    return opened


def _previews(
    role: OpenedRole, documents: Sequence[Document], most: int
) -> Iterator[ExamplePreview]:
    """The first example of each of the first documents."""
    for document in documents[:PREVIEWS]:
        example = encode_document(role.tokenizer, role.spec, document, most)[0]
        yield ExamplePreview(
            document.name,
            example.ids,
            tuple(token_labels(role.tokenizer.backend_tokenizer, example.ids)),
            example.first_learned,
            example.cut,
        )


def _summary(
    data: DataFiles,
    split: Split,
    whole: Sequence[Example],
    examples: Sequence[Example],
    warnings: Sequence[DataWarning],
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
        warnings=(
            *warnings_of(
                data.documents,
                sections=data.cut,
                similar=split.similar,
                cut=cut,
                examples=len(examples),
            ),
            *warnings,
        ),
    )


def _setting_warnings(
    request: TrainingRequest, split: Split, small: CheckpointSpec, most_tokens: int
) -> list[DataWarning]:
    """What a person should know of the settings that they chose.

    Raises:
        TrainingError: The regular expression for answers finds nothing in them.
    """
    found = []
    if request.settings.get("most_tokens", most_tokens) > most_tokens:
        found.append(DataWarning(Concern.CONTEXT, most_tokens))
    missing = count_without_match(split, small, request.match) if request.match else 0
    if missing:
        found.append(DataWarning(Concern.NO_MATCH, missing))
    return found
