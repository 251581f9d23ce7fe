"""GGUF files: checking that a file can be converted, and the cache folder of the result.

``gguf_conversion`` converts a file once, in a process of its own.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

from app.checkpoints.formats.gguf_architectures import (
    ARCHITECTURES,
    architecture_of,
    configuration,
)
from app.checkpoints.formats.gguf_header import Contents, kind_name
from app.checkpoints.formats.gguf_llama_sizes import llama_configuration
from app.checkpoints.formats.gguf_metadata import UnusableError
from app.checkpoints.formats.gguf_names import names_in_transformers
from app.checkpoints.formats.gguf_parts import read_parts, state_of
from app.checkpoints.formats.gguf_vocabulary import read_flags
from app.checkpoints.formats.stored_tensors import StoredTensor
from app.errors import CheckpointError
from app.settings import cache_folder

CONVERSION = 2
"""Version of the conversion; results of another version are not used."""

_PLAIN = {0: "F32", 1: "F16", 30: "BF16"}
_ABOUT_THE_FILE = ("general.", "quantize.", "split.", "mradermacher.")
"""Prefixes of keys about the origin of a file; the logits do not depend on them."""
_LANGUAGE_MODEL = "Choose the file of a language model."


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """The header of a GGUF file that can be used.

    Attributes:
        path: The file.
        architecture: llama.cpp's name of the architecture, such as ``llama``.
        stored: The tensors with their size in the file; the dtype is ggml's name, such as ``Q4_K``.
        files: The file, or all parts of a split one in order.
        converted: The tensors with dtype and size after conversion, by their names in the file.
    """

    path: Path
    architecture: str
    stored: tuple[StoredTensor, ...]
    converted: tuple[StoredTensor, ...]
    files: tuple[Path, ...]

    @property
    def packed(self) -> int:
        """Bytes of the weights in the file."""
        return sum(tensor.size for tensor in self.stored)

    @property
    def dtype(self) -> str:
        """The dtype that conversion writes."""
        return self.converted[0].dtype

    @property
    def converted_bytes(self) -> int:
        """Bytes of the weights that conversion writes."""
        return sum(tensor.size for tensor in self.converted)


CONVERTED_FROM = "converted-from.txt"
"""The file in a converted checkpoint with the path of its GGUF file, for the list of the cache."""


def weights_folder(path: Path) -> Path:
    """Cache folder for the converted checkpoint of the file at ``path`` in its present state."""
    return _converted_folder(path, "model")


def metadata_folder(path: Path) -> Path:
    """Cache folder for configuration and tokenizer alone, converted without the weights."""
    return _converted_folder(path, "metadata")


def conversions_of(path: Path) -> list[Path]:
    """All cache folders of conversions of the file at ``path``, also of its earlier states."""
    return sorted(_root().glob(f"{_path_key(path)}-*"))


def _root() -> Path:
    return cache_folder() / "gguf"


def _converted_folder(path: Path, what: str) -> Path:
    key = _digest(f"{CONVERSION} {state_of(path)}")
    return _root() / f"{_path_key(path)}-{key}-{what}"


def _path_key(path: Path) -> str:
    return _digest(str(path.resolve()))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_header(path: Path, *, by_llama: bool = False) -> GgufHeader:
    """Read the header of a GGUF file and account for every key and tensor in it.

    Args:
        path: The file.
        by_llama: Whether llama.cpp reads the file, which knows more architectures.

    Raises:
        CheckpointError: There is no such file, it is damaged or incomplete, or a key or tensor in
            it is not supported.
    """
    contents = open_contents(path, by_llama=by_llama)
    tensors = contents.tensors.values()
    dtype = converted_dtype(contents)
    converted = [StoredTensor.of(tensor.name, dtype, tensor.shape) for tensor in tensors]
    stored = [
        StoredTensor(tensor.name, kind_name(tensor.kind), tensor.shape, tensor.size)
        for tensor in tensors
    ]
    return GgufHeader(path, contents.architecture, tuple(stored), tuple(converted), contents.paths)


def open_contents(path: Path, *, everything: bool = False, by_llama: bool = False) -> Contents:
    """Read the header of a GGUF file and check that the file can be used.

    Args:
        path: The file.
        everything: Whether to read the vocabulary too, which takes longer.
        by_llama: Whether llama.cpp reads the file.

    Raises:
        CheckpointError: As for :func:`read_header`.
    """
    if not path.is_file():
        raise CheckpointError(f"There is no file {path}", next_step="Choose a .gguf file.")
    try:
        contents = read_parts(path, everything=everything)
        check(contents, by_llama=by_llama)
    except UnusableError as error:
        raise unusable(path, error) from None
    except (OSError, ValueError, ArithmeticError, struct.error) as error:
        raise CheckpointError(
            f"The file {path} is damaged",
            evidence=str(error) or "its header is incomplete",
            next_step="Download or copy it again.",
        ) from error
    return contents


def unusable(path: Path, error: UnusableError) -> CheckpointError:
    """The error for an intact file that cannot be converted."""
    return CheckpointError(
        f"The file {path} cannot be used", evidence=str(error), next_step=error.next_step
    )


def check(contents: Contents, *, by_llama: bool = False) -> None:
    """Check that a file is a language model and that all its keys and tensors are supported.

    Args:
        contents: The header.
        by_llama: Whether llama.cpp reads the file. It accounts for the keys and tensors of
            architectures that cannot be converted.

    Raises:
        UnusableError: It is not a language model, or a key or tensor is not supported.
    """
    _check_kind(contents)
    foreign = by_llama and not is_converted(contents)
    if not foreign:
        architecture_of(contents)  # first, since the meaning of all else depends on it
    read_flags(contents)
    if not contents.tensors:
        raise UnusableError("it holds no weights", _LANGUAGE_MODEL)
    if foreign:
        llama_configuration(contents)
        return
    names_in_transformers(contents)
    configuration(contents)
    for key in contents.metadata.unused():
        if not key.startswith(_ABOUT_THE_FILE):
            raise UnusableError(
                f"its key “{key[:80]}” is unknown and may change what the model computes"
            )


def is_converted(contents: Contents) -> bool:
    """Whether files of this architecture can be converted, and not only be read by llama.cpp."""
    return contents.architecture in ARCHITECTURES


def _check_kind(contents: Contents) -> None:
    metadata = contents.metadata
    kind = metadata.use("general.type")
    named = metadata.use("general.architecture")
    if kind == "adapter":
        raise UnusableError(
            "it holds a LoRA adapter",
            "Choose it for an expert as adapter:FILE, over the GGUF file of its model.",
        )
    if kind == "mmproj" or named == "clip":
        raise UnusableError("it holds the part of a model that reads images", _LANGUAGE_MODEL)
    if kind == "imatrix" or any(key.startswith("imatrix.") for key in metadata.values):
        raise UnusableError("it holds an importance matrix for quantizing", _LANGUAGE_MODEL)
    if kind not in (None, "model"):
        raise UnusableError(f"its key “general.type” is “{str(kind)[:40]}”", _LANGUAGE_MODEL)
    if not isinstance(named, str):
        raise ValueError("it does not name its architecture")


def converted_dtype(contents: Contents) -> str:
    """The dtype after conversion: bfloat16 if any tensor is quantized, else the one in the file."""
    kinds = {tensor.kind for tensor in contents.tensors.values()}
    if not kinds <= set(_PLAIN):
        return "BF16"
    for kind in (30, 1):
        if kind in kinds:
            return _PLAIN[kind]
    return "F32"
