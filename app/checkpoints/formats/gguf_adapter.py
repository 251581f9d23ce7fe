"""LoRA adapters in GGUF format, which llama.cpp applies to the GGUF file of their model."""

from __future__ import annotations

import struct
from collections.abc import Collection
from pathlib import Path

from app.checkpoints.formats.adapters import AdapterFiles
from app.checkpoints.formats.gguf import GgufHeader, unusable
from app.checkpoints.formats.gguf_header import Contents, kind_name, read_contents
from app.checkpoints.formats.gguf_metadata import UnusableError
from app.checkpoints.formats.stored_tensors import StoredTensor
from app.errors import CheckpointError

_DOWN, _UP = ".lora_a", ".lora_b"
_ALORA = "adapter.alora.invocation_tokens"


def holds_adapter(path: Path) -> bool:
    """Whether the file at ``path`` is an intact GGUF file with an adapter."""
    try:
        return read_contents(path).metadata.use("general.type") == "adapter"
    except (UnusableError, OSError, ValueError, struct.error):
        return False


def open_gguf_adapter(path: Path, model: GgufHeader) -> AdapterFiles:
    """Check the header of an adapter without reading its weights.

    Args:
        path: The GGUF file of the adapter.
        model: The header of the model that it adapts.

    Raises:
        CheckpointError: The file is missing or damaged, holds no LoRA adapter, or one that was made
            for another model.
    """
    if not path.is_file():
        raise CheckpointError(
            f"There is no file {path}", next_step="Choose the .gguf file of a LoRA adapter."
        )
    try:
        contents = read_contents(path)
        _check_kind(contents)
    except UnusableError as error:
        raise unusable(path, error) from None
    except (OSError, ValueError, struct.error) as error:
        raise CheckpointError(
            f"The adapter {path} is damaged",
            evidence=str(error) or "its header is incomplete",
            next_step="Download or copy it again.",
        ) from error
    why = _why_it_does_not_fit(contents, model.architecture, {t.name for t in model.stored})
    if why:
        raise CheckpointError(
            f"The adapter {path} was made for another model than {model.path.name}",
            evidence=why,
            next_step="Set “over” to the GGUF file of the model that it was trained on.",
        )
    tensors = tuple(
        StoredTensor(tensor.name, kind_name(tensor.kind), tensor.shape, tensor.size)
        for tensor in contents.tensors.values()
    )
    return AdapterFiles(path.parent, {}, path, tensors, is_gguf=True)


def _check_kind(contents: Contents) -> None:
    metadata = contents.metadata
    if metadata.use("general.type") != "adapter":
        raise UnusableError(
            "it holds no adapter", "Choose it as gguf:FILE, or choose the file of an adapter."
        )
    kind = metadata.use("adapter.type")
    if kind != "lora":
        raise UnusableError(f"its adapter is of the kind “{str(kind)[:40]}”", "Use a LoRA adapter.")
    if _ALORA in metadata.values:
        raise UnusableError("it is active only after certain tokens", "Use another adapter.")
    if not contents.tensors:
        raise UnusableError("it holds no weights", "Use another adapter.")


def _why_it_does_not_fit(contents: Contents, architecture: str, names: Collection[str]) -> str:
    """What contradicts the model; whether shapes fit is left to llama.cpp."""
    if contents.architecture != architecture:
        return f"the adapter is for {contents.architecture}, the model is {architecture}"
    for name in contents.tensors:
        adapted = name.removesuffix(_DOWN).removesuffix(_UP)
        if adapted not in names:
            return f"the model has no tensor “{adapted[:80]}”"
    return ""
