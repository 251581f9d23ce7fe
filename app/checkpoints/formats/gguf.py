"""GGUF files: whether one can be used, and the folder of the checkpoint that it is converted to.

A GGUF file is unpacked once, in a process of its own: there it can be cancelled at any moment, and
gives back all its memory.
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from app.checkpoints.formats.gguf_architectures import architecture_of, configuration
from app.checkpoints.formats.gguf_header import Contents, read_contents
from app.checkpoints.formats.gguf_metadata import UnusableError
from app.checkpoints.formats.gguf_names import places
from app.checkpoints.formats.gguf_vocabulary import read_flags
from app.checkpoints.formats.stored_tensors import StoredTensor
from app.errors import CheckpointError
from app.settings import cache_folder

CONVERSION = 2
"""Counts how conversion has changed; an older result is not used."""

_PLAIN = {0: "F32", 1: "F16", 30: "BF16"}
_PART = re.compile(r"-(\d{5})-of-(\d{5})\b")
_ABOUT_THE_FILE = ("general.", "quantize.", "split.", "mradermacher.")
"""Keys that say where a file comes from, and nothing of what the model computes."""
_LANGUAGE_MODEL = "Choose the file of a language model."


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a GGUF file says about itself.

    Attributes:
        path: The file.
        architecture: As llama.cpp names it, such as ``llama``.
        packed: Bytes of its weights as they are in the file.
        converted: Its tensors as conversion writes them, names as in the file.
    """

    path: Path
    architecture: str
    packed: int
    converted: tuple[StoredTensor, ...]

    @property
    def dtype(self) -> str:
        """The dtype that conversion writes."""
        return self.converted[0].dtype

    @property
    def converted_bytes(self) -> int:
        """Bytes of the weights that conversion writes."""
        return sum(tensor.size for tensor in self.converted)


def weights_folder(path: Path) -> Path:
    """Where the converted checkpoint of the file at ``path``, as it is now, belongs."""
    return _converted_folder(path, "model")


def metadata_folder(path: Path) -> Path:
    """Where configuration and tokenizer of the file at ``path`` belong before it is converted."""
    return _converted_folder(path, "metadata")


def conversions_of(path: Path) -> list[Path]:
    """Every folder made of the file at ``path``, of earlier states of it too."""
    return sorted(_root().glob(f"{_place_key(path)}-*"))


def _root() -> Path:
    return cache_folder() / "gguf"


def _converted_folder(path: Path, what: str) -> Path:
    state = path.stat()
    key = _digest(f"{CONVERSION} {state.st_size} {state.st_mtime_ns}")
    return _root() / f"{_place_key(path)}-{key}-{what}"


def _place_key(path: Path) -> str:
    return _digest(str(path.resolve()))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_header(path: Path) -> GgufHeader:
    """Read the header of a GGUF file and account for every key and tensor in it.

    Raises:
        CheckpointError: There is no such file, it is damaged or cut off, or it holds something that
            would not be computed as the file says.
    """
    if not path.is_file():
        raise CheckpointError(f"There is no file {path}", next_step="Choose a .gguf file.")
    try:
        contents = read_contents(path)
        check(contents)
    except UnusableError as error:
        raise unusable(path, error) from None
    except (OSError, ValueError, ArithmeticError, struct.error) as error:
        raise CheckpointError(
            f"The file {path} is damaged",
            evidence=str(error) or "its header is incomplete",
            next_step="Download or copy it again.",
        ) from error
    tensors = contents.tensors.values()
    dtype = converted_dtype(contents)
    converted = [StoredTensor.of(tensor.name, dtype, tensor.shape) for tensor in tensors]
    packed = sum(tensor.size for tensor in tensors)
    return GgufHeader(path, contents.architecture, packed, tuple(converted))


def unusable(path: Path, error: UnusableError) -> CheckpointError:
    """The error for a file of a kind that cannot be used."""
    return CheckpointError(
        f"The file {path} cannot be used", evidence=str(error), next_step=error.next_step
    )


def check(contents: Contents) -> None:
    """Refuse what is not a language model, and any key or tensor that would not be used.

    Raises:
        UnusableError: Names what is the matter.
    """
    _check_kind(contents)
    architecture_of(contents)  # before the rest, which only makes sense of one that is known
    read_flags(contents)
    if not contents.tensors:
        raise UnusableError("it holds no weights", _LANGUAGE_MODEL)
    places(contents)
    configuration(contents)
    for key in contents.metadata.unused():
        if not key.startswith(_ABOUT_THE_FILE):
            raise UnusableError(
                f"its key “{key[:80]}” is not known, and may change what is computed"
            )


def _check_kind(contents: Contents) -> None:
    metadata = contents.metadata
    _check_parts(contents)
    kind = metadata.use("general.type")
    named = metadata.use("general.architecture")
    if kind == "adapter":
        raise UnusableError(
            "it holds a LoRA adapter", "Choose the adapter's folder with adapter_model.safetensors."
        )
    if kind == "mmproj" or named == "clip":
        raise UnusableError("it holds the part of a model that reads images", _LANGUAGE_MODEL)
    if kind == "imatrix" or any(key.startswith("imatrix.") for key in metadata.values):
        raise UnusableError("it holds an importance matrix for quantizing", _LANGUAGE_MODEL)
    if kind not in (None, "model"):
        raise UnusableError(f"its key “general.type” is “{str(kind)[:40]}”", _LANGUAGE_MODEL)
    if not isinstance(named, str):
        raise ValueError("it does not name its architecture")


def _check_parts(contents: Contents) -> None:
    """Refuse a part of a file that was split; all but the first hold tensors alone."""
    metadata = contents.metadata
    parts = metadata.whole("split.count", 0, least=0)
    if parts <= 1:
        return
    number = metadata.whole("split.no", 0, least=0) + 1
    first = _PART.sub(lambda found: f"-00001-of-{found[2]}", contents.path.name)
    raise UnusableError(
        f"it is one of {parts} parts, number {number}",
        f"Join them with: llama-gguf-split --merge {first} model.gguf, and choose model.gguf.",
    )


def converted_dtype(contents: Contents) -> str:
    """Numbers that are not packed stay as they are; packed ones become bfloat16."""
    kinds = {tensor.kind for tensor in contents.tensors.values()}
    if not kinds <= set(_PLAIN):
        return "BF16"
    for kind in (30, 1):
        if kind in kinds:
            return _PLAIN[kind]
    return "F32"
