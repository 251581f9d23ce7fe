"""Opening a recipe: files, configurations and tokenizers of every role, and no weights yet."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from transformers import AutoConfig, AutoTokenizer, PretrainedConfig, PreTrainedTokenizerBase
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES
from transformers.utils import logging as transformers_logging

from app.checkpoints.sources import CheckpointFiles, open_checkpoint
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.errors import CheckpointError


@dataclass(frozen=True, slots=True, eq=False)
class OpenedRole:
    """One role whose files have been checked."""

    name: str
    spec: CheckpointSpec
    files: CheckpointFiles
    config: PretrainedConfig
    tokenizer: PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True, eq=False)
class OpenedRecipe:
    """A recipe whose files are there; ``roles`` are in the order of ``Recipe.roles``."""

    recipe: Recipe
    roles: tuple[OpenedRole, ...]


def open_recipe(recipe: Recipe) -> OpenedRecipe:
    """Check the files of every role and read configurations and tokenizers.

    Raises:
        CheckpointError: A checkpoint is missing, damaged or of the wrong kind.
        RecipeError: A source cannot be understood.
    """
    named = recipe.roles()
    files = {_key(spec): open_checkpoint(spec) for _, spec in named}
    with quiet():
        configs = {key: _read_config(found.folder) for key, found in files.items()}
        tokenizers = {key: _load_tokenizer(found.folder) for key, found in files.items()}
    return OpenedRecipe(
        recipe,
        tuple(
            OpenedRole(name, spec, files[key], configs[key], tokenizers[key])
            for name, spec in named
            for key in [_key(spec)]
        ),
    )


def _key(spec: CheckpointSpec) -> tuple[str, str]:
    return spec.source, spec.over


def _read_config(folder: Path) -> PretrainedConfig:
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # the library raises many kinds for files it cannot use
        raise unknown_model(folder, error) from error
    encoder = config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if encoder and not getattr(config, "is_decoder", False):
        raise CheckpointError(
            f"The model in {folder} can read text but not continue it",
            evidence=f"{config.model_type} is an encoder",
            next_step="Choose a causal language model.",
        )
    return config


def unknown_model(folder: Path, error: Exception) -> CheckpointError:
    """The error for a folder that transformers cannot make a model of."""
    return CheckpointError(
        f"The model in {folder} cannot be loaded",
        evidence=_first_line(error),
        next_step="It must be a causal language model that transformers knows.",
    )


def _load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # the library raises many kinds for files it cannot use
        raise CheckpointError(
            f"The tokenizer in {folder} cannot be read",
            evidence=_first_line(error),
            next_step="The folder must hold tokenizer.json.",
        ) from error
    if not tokenizer.is_fast:
        raise CheckpointError(
            f"The tokenizer in {folder} has no fast form", next_step="It must hold tokenizer.json."
        )
    loaded: PreTrainedTokenizerBase = tokenizer
    return loaded


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what transformers logs while it loads off stderr; what matters is raised."""
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
