"""Opening of a recipe: checks the files and reads configurations and tokenizers, but no weights."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from transformers import AutoConfig, PretrainedConfig, PreTrainedTokenizerBase
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES
from transformers.utils import logging as transformers_logging

from app.checkpoints.engine_choice import check_engine, engine_of
from app.checkpoints.engine_options import LLAMA_CPP
from app.checkpoints.formats import gguf
from app.checkpoints.formats.adapter_layers import check_adapter
from app.checkpoints.formats.gguf_conversion import convert
from app.checkpoints.formats.tokenizer_loading import load_tokenizer
from app.checkpoints.quantization_check import check_quantization
from app.checkpoints.sources import (
    CheckpointFiles,
    gguf_file,
    model_source,
    needs_code,
    open_checkpoint,
)
from app.checkpoints.spec import CHAT, CheckpointSpec, Recipe
from app.checkpoints.status import LoadProgress
from app.errors import CheckpointError

# bitsandbytes warns when it is imported (PEFT imports it, too) and at every cast to float16.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)

_OTHER_HEADS = ("ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering")
"""Endings of the names of model classes whose output layer does not compute logits of tokens."""


_FilesKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True, eq=False)
class OpenedRole:
    """A role with its checked files, its configuration and its tokenizer.

    ``tokenizer_folder`` is the folder of the tokenizer files: the adapter's or the model's.

    A base behind an endpoint has no files. It has the files, the tokenizer and the configuration of
    a role of the first pair; see :func:`_stand_in`.
    """

    name: str
    spec: CheckpointSpec
    files: CheckpointFiles
    config: PretrainedConfig
    tokenizer: PreTrainedTokenizerBase
    tokenizer_folder: Path

    @property
    def engine(self) -> str:
        """The engine that reads its model."""
        return engine_of(self.spec)


@dataclass(frozen=True, slots=True, eq=False)
class OpenedRecipe:
    """A recipe with its opened roles, in the order of ``Recipe.roles``."""

    recipe: Recipe
    roles: tuple[OpenedRole, ...]


def open_recipe(
    recipe: Recipe,
    *,
    weights_required: bool = True,
    on_progress: Callable[[LoadProgress], None] = lambda progress: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> OpenedRecipe:
    """Check the files of every role and read configurations and tokenizers.

    Args:
        recipe: The recipe to open.
        weights_required: Whether weight files are required. If not, Hub checkpoints need only
            configuration and tokenizer, which is enough to compare vocabularies, and of GGUF files
            only configuration and tokenizer are converted.
        on_progress: Called while a GGUF file is converted.
        cancelled: Polled several times a second.

    Raises:
        CheckpointError: A checkpoint is missing, damaged or of an unsupported kind.
        DeviceError: There is not enough memory to convert a GGUF file.
        RecipeError: A source is not valid.
        Cancelled: ``cancelled`` returned True.
    """
    opened: dict[_FilesKey, OpenedRole] = {}
    for name, spec in recipe.roles():
        check_engine(name, spec)
        key = _files_key(spec)
        if key not in opened and not spec.is_endpoint:
            weights = weights_required and engine_of(spec) != LLAMA_CPP
            _convert_gguf(name, spec, weights, on_progress, cancelled)
            files = open_checkpoint(spec, weights_required=weights_required)
            with quiet():
                opened[key] = _open_role(name, spec, files)
    if recipe.base.is_endpoint:
        opened[_files_key(recipe.base)] = _stand_in(recipe, opened)
    roles = [
        replace(opened[_files_key(spec)], name=name, spec=spec) for name, spec in recipe.roles()
    ]
    for role in roles:
        if not role.spec.is_endpoint:
            with quiet():
                check_quantization(role.name, role.spec, role.config, role.files)
    return OpenedRecipe(recipe, tuple(roles))


def _files_key(spec: CheckpointSpec) -> _FilesKey:
    """What decides which files of a checkpoint are opened."""
    return spec.source, spec.over, engine_of(spec)


def bytes_to_convert(recipe: Recipe) -> int:
    """Bytes of weights that a load has to convert from GGUF files first.

    Raises:
        CheckpointError: A GGUF file is missing or damaged.
        RecipeError: A source is not valid.
    """
    sources = {
        model_source(spec)
        for spec in recipe.checkpoints()
        if not spec.is_endpoint and engine_of(spec) != LLAMA_CPP
    }
    headers = [gguf.read_header(path) for path in map(gguf_file, sources) if path is not None]
    return sum(
        header.converted_bytes
        for header in headers
        if not gguf.weights_folder(header.path).is_dir()
    )


def _stand_in(recipe: Recipe, opened: Mapping[_FilesKey, OpenedRole]) -> OpenedRole:
    """The role whose files and tokenizer a base behind an endpoint uses.

    This is the anti-expert of the first pair, or its expert if the base's prompt format is the chat
    template and the anti-expert has none.
    """
    pair = recipe.pairs[0]
    expert, antiexpert = (opened[_files_key(spec)] for spec in (pair.expert, pair.antiexpert))
    chat = recipe.base.prompt == CHAT and not antiexpert.tokenizer.chat_template
    role = expert if chat else antiexpert
    return replace(role, files=replace(role.files, adapter=None))


def _convert_gguf(
    name: str,
    spec: CheckpointSpec,
    weights: bool,
    on_progress: Callable[[LoadProgress], None],
    cancelled: Callable[[], bool],
) -> None:
    path = gguf_file(model_source(spec))
    if path is not None:
        convert(
            path,
            weights=weights,
            on_progress=lambda done, total: on_progress(
                LoadProgress(name, done, total, converting=True)
            ),
            cancelled=cancelled,
        )


def _open_role(name: str, spec: CheckpointSpec, files: CheckpointFiles) -> OpenedRole:
    config = _read_config(files)
    adapter = files.adapter
    if adapter is not None and not adapter.is_gguf:
        check_adapter(adapter, config)
    own = adapter is not None and adapter.has_tokenizer
    folder = adapter.folder if adapter is not None and own else files.folder
    return OpenedRole(name, spec, files, config, load_tokenizer(folder), folder)


def _read_config(files: CheckpointFiles) -> PretrainedConfig:
    folder = files.folder
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        config.get_text_config()  # raises for configurations without one
    except Exception as error:  # the library raises many kinds for files it cannot use
        if "auto_map" in files.config:
            raise needs_code(folder) from error
        raise unknown_model(folder, error) from error
    why = _why_not_causal(config)
    if why:
        raise CheckpointError(
            f"The model in {folder} can read text but not continue it",
            evidence=why,
            next_step="Choose a causal language model.",
        )
    return config


def _why_not_causal(config: PretrainedConfig) -> str:
    """The reason why a model of ``config`` is not a causal language model, or an empty text."""
    kind = config.model_type
    heads = config.architectures if isinstance(config.architectures, list) else []
    if heads and all(str(name).endswith(_OTHER_HEADS) for name in heads):
        return f"it is a {heads[0]}"
    if kind == "xlm" and not config.causal:
        return "xlm is an encoder, unless it was trained to be causal"
    if kind == "xlnet":
        return "xlnet fills in missing words from those around them"
    if kind == "reformer" and "lsh" in config.attn_layers:
        return "the attention of reformer is random: it never gives the same probabilities twice"
    if kind in ("gemma4_assistant", "gemma4_unified_assistant"):
        return f"{kind} drafts from the KV cache of another model"
    masked = kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if masked and kind not in ("reformer", "xlm") and not getattr(config, "is_decoder", False):
        return f"{kind} is an encoder"
    return ""


def unknown_model(folder: Path, error: Exception) -> CheckpointError:
    """The error for a checkpoint that transformers cannot load."""
    return CheckpointError(
        f"The model in {folder} cannot be loaded",
        evidence=first_line(error),
        next_step="It must be a causal language model that transformers knows.",
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Context manager that silences the log of transformers; its errors are still raised."""
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, or the name of its class."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
