"""GGUF files: their header, read without trusting it, and the folder of the converted checkpoint.

transformers reads a GGUF file slowly and keeps no result, so a file is converted once, in a process
of its own: there it can be cancelled at any moment, and gives back all its memory.
"""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.checkpoints.formats.stored_tensors import StoredTensor
from app.errors import CheckpointError
from app.settings import cache_folder

CONVERSION = 1
"""Counts how conversion has changed; an older result is not used."""

_VERSIONS = (2, 3)
_MOST_ENTRIES = 2_000_000  # keys, tensors and texts in arrays; vocabularies have under a million
_LONGEST_NAME = 65_535
_MOST_DIMENSIONS = 4
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_INTEGERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 10: "<Q", 11: "<q"}
_STRING, _ARRAY = 8, 9
_PLAIN = {0: "F32", 1: "F16", 30: "BF16"}


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
    """Read and check the header of a GGUF file.

    Raises:
        CheckpointError: There is no such file, or it is damaged, cut off or of an unknown kind.
    """
    if not path.is_file():
        raise CheckpointError(f"There is no file {path}", next_step="Choose a .gguf file.")
    try:
        with path.open("rb") as file:
            return _read(path, _Cursor(file, path.stat().st_size))
    except _UnusableError as error:
        raise CheckpointError(
            f"The file {path} cannot be used", evidence=str(error), next_step=error.next_step
        ) from None
    except (OSError, ValueError, struct.error) as error:
        raise CheckpointError(
            f"The file {path} is damaged",
            evidence=str(error) or "its header is incomplete",
            next_step="Download or copy it again.",
        ) from error


class _UnusableError(Exception):
    """A file that is whole but of a kind that cannot be used."""

    def __init__(self, evidence: str, next_step: str) -> None:
        super().__init__(evidence)
        self.next_step = next_step


class _Cursor:
    """Reads forward, never past the end, and only so many entries."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size
        self.place = 0
        self._entries_left = _MOST_ENTRIES

    def take(self, length: int) -> bytes:
        self._require(length)
        self.place += length
        return self._file.read(length)

    def skip(self, length: int) -> None:
        self._require(length)
        self.place += length
        self._file.seek(length, 1)

    def number(self, form: str) -> int:
        (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return int(value)

    def text(self) -> str:
        length = self.number("<Q")
        if length > _LONGEST_NAME:
            raise ValueError(f"it holds a name of {length:,} bytes")
        return self.take(length).decode("utf-8")

    def count_entries(self, count: int) -> None:
        self._entries_left -= count
        if self._entries_left < 0:
            raise ValueError(f"its header names more than {_MOST_ENTRIES:,} things")

    def _require(self, length: int) -> None:
        if length > self.size - self.place:
            raise ValueError("its header is cut off")


def _read(path: Path, cursor: _Cursor) -> GgufHeader:
    if cursor.take(4) != b"GGUF":
        raise _UnusableError("it is not a GGUF file", "Choose a .gguf file of a language model.")
    _check_version(cursor.number("<I"))
    tensor_count, value_count = cursor.number("<Q"), cursor.number("<Q")
    cursor.count_entries(tensor_count + value_count)
    values = _read_values(cursor, value_count)
    _check_values(values)
    return _read_tensors(path, cursor, tensor_count, values)


def _check_version(version: int) -> None:
    if version in _VERSIONS:
        return
    swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
    evidence = "its bytes are in big-endian order" if swapped in _VERSIONS else f"GGUF {version}"
    raise _UnusableError(evidence, "Convert the model again with a current llama.cpp.")


def _check_values(values: dict[str, str | int]) -> None:
    if not isinstance(values.get("general.architecture"), str):
        raise ValueError("it does not name its architecture")
    parts = values.get("split.count", 0)
    if isinstance(parts, int) and parts > 1:
        raise _UnusableError(
            f"it is one of {parts} parts", "Join the parts with: llama-gguf-split --merge"
        )
    if "tokenizer.ggml.model" not in values:
        raise _UnusableError("it holds no tokenizer", "Choose the file of a language model.")


def _read_values(cursor: _Cursor, count: int) -> dict[str, str | int]:
    """The texts and whole numbers among the metadata; everything else is walked over."""
    values: dict[str, str | int] = {}
    for _ in range(count):
        key = cursor.text()
        kind = cursor.number("<I")
        if kind in _INTEGERS:
            values[key] = cursor.number(_INTEGERS[kind])
        elif kind in _WIDTHS:
            cursor.skip(_WIDTHS[kind])
        elif kind == _STRING:
            values[key] = _short_text(cursor)
        elif kind == _ARRAY:
            _skip_array(cursor)
        else:
            raise ValueError(f"“{key[:80]}” is of the unknown kind {kind}")
    return values


def _short_text(cursor: _Cursor) -> str:
    """A text; of a long one, such as a chat template, nothing is needed."""
    length = cursor.number("<Q")
    if length <= _LONGEST_NAME:
        return cursor.take(length).decode("utf-8", "replace")
    cursor.skip(length)
    return ""


def _skip_array(cursor: _Cursor) -> None:
    kind, count = cursor.number("<I"), cursor.number("<Q")
    if kind in _WIDTHS:
        cursor.skip(count * _WIDTHS[kind])
    elif kind == _STRING:
        cursor.count_entries(count)
        for _ in range(count):
            cursor.skip(cursor.number("<Q"))
    else:
        raise ValueError(f"it holds an array of the unknown kind {kind}")


@dataclass(frozen=True, slots=True)
class _Packed:
    name: str
    shape: tuple[int, ...]
    kind: int
    start: int
    size: int


def _read_tensors(
    path: Path, cursor: _Cursor, count: int, values: dict[str, str | int]
) -> GgufHeader:
    tensors = [_read_tensor(cursor) for _ in range(count)]
    if not tensors:
        raise _UnusableError("it holds no weights", "Choose the file of a language model.")
    if len({tensor.name for tensor in tensors}) != count:
        raise ValueError("two of its tensors have the same name")
    alignment = values.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 0 < alignment <= 1 << 20:
        raise ValueError("its alignment is not a size")
    start = -(-cursor.place // alignment) * alignment
    end = start + max(tensor.start + tensor.size for tensor in tensors)
    if end > cursor.size:
        raise ValueError(f"it is incomplete: it has {cursor.size:,} bytes of {end:,}")
    dtype = _converted_dtype({tensor.kind for tensor in tensors})
    converted = [StoredTensor.of(tensor.name, dtype, tensor.shape) for tensor in tensors]
    architecture = str(values["general.architecture"])
    return GgufHeader(path, architecture, sum(t.size for t in tensors), tuple(converted))


def _read_tensor(cursor: _Cursor) -> _Packed:
    name = cursor.text()
    dimensions = cursor.number("<I")
    if not 1 <= dimensions <= _MOST_DIMENSIONS:
        raise ValueError(f"“{name[:80]}” has {dimensions} dimensions")
    shape = tuple(cursor.number("<Q") for _ in range(dimensions))
    kind, start = cursor.number("<I"), cursor.number("<Q")
    block, size = _block_of(kind, name)
    if 0 in shape or shape[0] % block:
        raise ValueError(f"“{name[:80]}” has a shape that its kind cannot have")
    return _Packed(name, shape[::-1], kind, start, math.prod(shape) // block * size)


def _block_of(kind: int, name: str) -> tuple[int, int]:
    """How many numbers a block of this kind holds, and its bytes."""
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType  # slow to import

    try:
        return GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
    except (ValueError, KeyError):
        raise ValueError(f"“{name[:80]}” is of the unknown kind {kind}") from None


def _converted_dtype(kinds: set[int]) -> str:
    """Numbers that are not packed stay as they are; packed ones become bfloat16."""
    if not kinds <= set(_PLAIN):
        return "BF16"
    for kind in (30, 1):
        if kind in kinds:
            return _PLAIN[kind]
    return "F32"
