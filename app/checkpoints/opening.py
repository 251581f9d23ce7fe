"""Opening of a recipe: checks the files and reads configurations and tokenizers, but no weights.

torch is imported for what cannot be read without it: configurations of unusual models, adapters,
quantized weights, and GGUF files that have not been converted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.checkpoints.engine_choice import check_engine, engine_of
from app.checkpoints.engine_options import LLAMA_CPP
from app.checkpoints.formats import gguf
from app.checkpoints.formats.gguf_conversion import convert
from app.checkpoints.formats.tokenizer_loading import load_tokenizer
from app.checkpoints.formats.transformers_log import quiet
from app.checkpoints.plain_configuration import PlainConfiguration, plain_configuration
from app.checkpoints.sources import CheckpointFiles, gguf_file, model_source, open_checkpoint
from app.checkpoints.spec import CHAT, CheckpointSpec, Recipe
from app.checkpoints.status import LoadProgress

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerBase

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
    config: PlainConfiguration | PretrainedConfig
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
            _convert_gguf(name, spec, weights_required, on_progress, cancelled)
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
            _check_quantization(role)
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
    by_llama = engine_of(spec) == LLAMA_CPP
    if path is not None:
        convert(
            path,
            weights=weights and not by_llama,
            by_llama=by_llama,
            on_progress=lambda done, total: on_progress(
                LoadProgress(name, done, total, converting=True)
            ),
            cancelled=cancelled,
        )


def _check_quantization(role: OpenedRole) -> None:
    stored = getattr(role.config, "quantization_config", None)
    if stored is not None or role.spec.quantization != "none":
        from app.checkpoints.quantization_check import check_quantization  # imports torch

        with quiet():
            check_quantization(role.name, role.spec, stored, role.files)


def _open_role(name: str, spec: CheckpointSpec, files: CheckpointFiles) -> OpenedRole:
    adapter = files.adapter
    config = _read_config(files)
    own = adapter is not None and adapter.has_tokenizer
    folder = adapter.folder if adapter is not None and own else files.folder
    return OpenedRole(name, spec, files, config, load_tokenizer(folder), folder)


def _read_config(files: CheckpointFiles) -> PlainConfiguration | PretrainedConfig:
    adapted = files.adapter is not None and not files.adapter.is_gguf
    plain = None if adapted else plain_configuration(files.config)
    if plain is not None:
        return plain
    from app.checkpoints.full_configuration import read_full_configuration  # imports torch

    return read_full_configuration(files)
