"""Facts of a model on this disk, from its small files and the headers of its weights.

Imports no torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.checkpoints.candidates.model_card import origin_in_card, origin_in_gguf
from app.checkpoints.candidates.model_names import Tuning, stem_of, tuning_of
from app.checkpoints.candidates.token_digest import TOKENIZER_CONFIG, DigestReader, TokenDigest
from app.checkpoints.engine_choice import EXTRA
from app.checkpoints.formats import gguf
from app.checkpoints.formats.adapters import open_adapter
from app.checkpoints.formats.configuration import read_configuration
from app.checkpoints.formats.gguf_architectures import configuration
from app.checkpoints.formats.gguf_header import Contents
from app.checkpoints.formats.gguf_llama_sizes import llama_configuration
from app.checkpoints.formats.gguf_metadata import UnusableError
from app.checkpoints.formats.gguf_parts import state_of
from app.checkpoints.formats.gguf_quantization import quantization_of
from app.checkpoints.sources import open_folder
from app.errors import CheckpointError
from app.extras import is_installed

ADAPTER_CONFIG = "adapter_config.json"
_TEMPLATE_FILES = ("chat_template.jinja", "chat_template.json")
_SIZES = ("hidden_size", "n_embd", "d_model"), ("num_hidden_layers", "n_layer", "num_layers")
_FORMAT = re.compile(r"[-.]gguf$", re.IGNORECASE)
_OTHER_HEADS = (
    *("ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering"),
    *("ForMaskedLM", "ForPreTraining"),
)


@dataclass(frozen=True, slots=True, eq=False)
class LocalModel:
    """A model on this disk.

    Attributes:
        source: As in a recipe.
        name: The name of its folder, file or repository.
        folder: The folder or the file.
        architecture: The ``model_type`` of transformers, or llama.cpp's name of the architecture
            where transformers has none; empty for an adapter.
        shape: Hidden size and number of layers.
        parameters: The number of stored parameters.
        vocabulary: Its tokens; None for an adapter without a tokenizer.
        has_chat_template: Whether its own files have a chat template.
        tuning: What its name says, or that it has another origin.
        origin: The name of the model from which it was tuned, if its files say so.
        adapts: For an adapter, the name or path of the model that it was trained on.
        size: Bytes of its weight files.
        quantization: Of a GGUF file, such as ``Q4_K_M``; otherwise empty.
        program: The program that keeps it, such as ``LM Studio``; empty for a folder of the person.
        unused: What its program adds to the model and is not used here, such as ``template``.
        problem: Why it cannot be used; otherwise empty.
    """

    source: str
    name: str
    folder: Path
    architecture: str = ""
    shape: tuple[int, ...] = ()
    parameters: int = 0
    vocabulary: TokenDigest | None = None
    has_chat_template: bool = False
    tuning: Tuning = Tuning.UNKNOWN
    origin: str = ""
    adapts: str = ""
    size: int = 0
    quantization: str = ""
    program: str = ""
    unused: tuple[str, ...] = ()
    problem: str = ""

    @property
    def is_adapter(self) -> bool:
        return self.source.startswith("adapter:")

    @property
    def title(self) -> str:
        """The name for people: without the owner, the revision and the format."""
        name = self.name.partition("@")[0].rpartition("/")[2]
        if self.source.startswith("builtin:"):
            return name.replace("_", " ").capitalize()
        return _FORMAT.sub("", name)

    @property
    def stem(self) -> str:
        """The name without what says how it was tuned or packed."""
        return stem_of(self.name)


class ModelReader:
    """Reads the facts of models; remembers those of files that have not changed."""

    def __init__(self) -> None:
        self._digests = DigestReader()
        self._files: dict[tuple[Path, str], LocalModel] = {}

    def read(self, source: str, name: str, path: Path) -> LocalModel:
        """The facts of a model; a model that cannot be used has a ``problem``.

        Args:
            source: Its source, as in a recipe.
            name: Its name.
            path: Its folder or GGUF file.
        """
        model = LocalModel(source, name, path, tuning=tuning_of(name))
        try:
            if source.startswith("gguf:"):
                return self._read_file(model)
            return self._read_adapter(model) if model.is_adapter else self._read_folder(model)
        except (CheckpointError, OSError) as error:
            return replace(model, problem=str(error))
        except (UnusableError, ValueError) as error:  # of the vocabulary in a GGUF file
            return replace(model, problem=f"The file {path} cannot be used: {error}")

    def _read_folder(self, model: LocalModel) -> LocalModel:
        files = open_folder(model.folder)
        why = _why_not_causal(files.config)
        model = _with_origin(model, origin_in_card(model.folder))
        return replace(
            _with_configuration(model, files.config),
            parameters=sum(tensor.elements for tensor in files.tensors),
            size=files.weight_bytes,
            vocabulary=self._digests.read(model.folder),
            has_chat_template=_has_chat_template(model.folder),
            problem=why,
        )

    def _read_adapter(self, model: LocalModel) -> LocalModel:
        files = open_adapter(model.folder)
        return replace(
            model,
            parameters=sum(tensor.elements for tensor in files.tensors),
            size=sum(tensor.size for tensor in files.tensors),
            vocabulary=self._digests.read(model.folder) if files.has_tokenizer else None,
            has_chat_template=_has_chat_template(model.folder),
            adapts=files.base_name,
        )

    def _read_file(self, model: LocalModel) -> LocalModel:
        key = model.folder, state_of(model.folder)
        if key not in self._files:
            self._files[key] = self._read_gguf(model)
        return replace(self._files[key], source=model.source, name=model.name)

    def _read_gguf(self, model: LocalModel) -> LocalModel:
        contents = gguf.open_contents(model.folder, by_llama=is_installed(EXTRA))
        model = replace(model, tuning=_tuning_of_file(model.name, contents))
        model = _with_origin(model, origin_in_gguf(contents.metadata))
        return replace(
            _with_configuration(model, _configuration(contents)),
            parameters=sum(math.prod(tensor.shape) for tensor in contents.tensors.values()),
            size=sum(path.stat().st_size for path in contents.paths),
            quantization=quantization_of(contents),
            vocabulary=self._digests.of_gguf(contents),
            has_chat_template="tokenizer.chat_template" in contents.metadata,
        )


def _configuration(contents: Contents) -> dict[str, Any]:
    if gguf.is_converted(contents):
        return configuration(contents)
    return {**llama_configuration(contents), "model_type": contents.architecture}


def _tuning_of_file(name: str, contents: Contents) -> Tuning:
    said = contents.metadata.values.get("general.finetune")
    return tuning_of(f"{name}-{said}") if isinstance(said, str) else tuning_of(name)


def _with_origin(model: LocalModel, origin: str) -> LocalModel:
    """The model with its origin, from which it was tuned unless both are one model packed anew."""
    tuned = model.tuning is Tuning.UNKNOWN and origin and stem_of(origin) != model.stem
    return replace(model, origin=origin, tuning=Tuning.OTHER if tuned else model.tuning)


def _with_configuration(model: LocalModel, config: Mapping[str, Any]) -> LocalModel:
    nested = config.get("text_config")
    text = {**config, **nested} if isinstance(nested, dict) else config
    sizes = [next((text[name] for name in names if name in text), 0) for names in _SIZES]
    return replace(
        model,
        architecture=str(text.get("model_type", "")),
        shape=tuple(size if isinstance(size, int) else 0 for size in sizes),
    )


def _has_chat_template(folder: Path) -> bool:
    if any((folder / name).is_file() for name in _TEMPLATE_FILES):
        return True
    path = folder / TOKENIZER_CONFIG
    return path.is_file() and bool(read_configuration(path, "").get("chat_template"))


def _why_not_causal(config: Mapping[str, Any]) -> str:
    """Why a model is no causal language model, by the names in its configuration."""
    heads = config.get("architectures")
    if config.get("is_encoder_decoder"):
        return "it is an encoder with a decoder"
    if isinstance(heads, list) and heads and str(heads[0]).endswith(_OTHER_HEADS):
        return f"it is a {heads[0]}"
    return ""
