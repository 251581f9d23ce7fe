"""The header of a GGUF file: metadata and offsets of tensors, every size checked when read."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from app.checkpoints.formats.gguf_metadata import (
    Cursor,
    Metadata,
    Unread,
    UnusableError,
    read_values,
)

_VERSIONS = (2, 3)
_MAX_DIMENSIONS = 4
_LARGEST_ALIGNMENT = 1 << 20
_FLOAT32 = 0
_EMBEDDING = "token_embd.weight"


@dataclass(frozen=True, slots=True)
class PackedTensor:
    """One tensor of the file, possibly quantized.

    Attributes:
        name: Name in the file.
        shape: Dimensions in the order of torch.
        kind: ggml's number of the data type.
        start: Offset of the first byte in the file.
        size: Bytes in the file.
        path: The file.
    """

    name: str
    shape: tuple[int, ...]
    kind: int
    start: int
    size: int
    path: Path


@dataclass(frozen=True, slots=True)
class Contents:
    """The header of a file.

    Attributes:
        path: The file, or the first part of a split one.
        metadata: Its keys and values.
        tensors: Its tensors by name, those of all parts.
        paths: The file, or all parts of a split one in order.
    """

    path: Path
    metadata: Metadata
    tensors: dict[str, PackedTensor]
    paths: tuple[Path, ...]

    @property
    def architecture(self) -> str:
        return self.metadata.text("general.architecture")

    @property
    def rows(self) -> int:
        """The vocabulary size of the model, padding rows included.

        Raises:
            UnusableError: There is no embedding, or it has fewer rows than there are tokens.
        """
        if _EMBEDDING not in self.tensors:
            raise UnusableError(f"it lacks the tensor “{_EMBEDDING}”")
        rows = self.tensors[_EMBEDDING].shape[0]
        tokens = self.metadata.count("tokenizer.ggml.tokens")
        if tokens > rows:
            raise UnusableError(f"it names {tokens:,} tokens, and “{_EMBEDDING}” has {rows:,} rows")
        return rows

    def array_bytes(self, key: str) -> bytes:
        """The bytes of an array of strings that was skipped.

        Raises:
            UnusableError: There is no such array.
            OSError: The file cannot be read.
        """
        with self.path.open("rb") as file:
            skipped = self._skipped(key)
            file.seek(skipped.start)
            return file.read(skipped.size)

    def texts(self, key: str) -> list[str]:
        """The elements of an array of strings that was skipped.

        Raises:
            UnusableError: There is no such array.
            OSError, ValueError: The file cannot be read, or is damaged.
        """
        content = self.array_bytes(key)
        return Cursor(BytesIO(content), len(content)).texts(self._skipped(key).count)

    def _skipped(self, key: str) -> Unread:
        value = self.metadata.values.get(key)
        if not isinstance(value, Unread):
            raise UnusableError(f"its key “{key}” holds no list of texts")
        return value

    def floats(self, name: str) -> list[float]:
        """The elements of a one-dimensional float32 tensor."""
        tensor = self.tensors[name]
        if tensor.kind != _FLOAT32 or len(tensor.shape) != 1:
            raise UnusableError(f"its tensor “{name}” is not a vector of float32 numbers")
        with tensor.path.open("rb") as file:
            file.seek(tensor.start)
            numbers = struct.unpack(f"<{tensor.shape[0]}f", file.read(tensor.size))
        if not all(map(math.isfinite, numbers)):
            raise UnusableError(f"its tensor “{name}” holds numbers that are not finite")
        return list(numbers)


def read_contents(path: Path, *, everything: bool = False) -> Contents:
    """Read the header of the file at ``path``.

    Args:
        path: The file.
        everything: Whether to read the vocabulary too, which takes longer.

    Raises:
        UnusableError: The file is intact but not supported.
        OSError, ValueError, struct.error: The file is damaged.
    """
    with path.open("rb") as file:
        cursor = Cursor(file, path.stat().st_size)
        if cursor.take(4) != b"GGUF":
            raise UnusableError("it is not a GGUF file", "Choose a .gguf file of a language model.")
        _check_version(cursor.number("<I"))
        tensor_count, value_count = cursor.number("<Q"), cursor.number("<Q")
        cursor.count_entries(tensor_count + value_count)
        metadata = Metadata(read_values(cursor, value_count, everything))
        tensors = _read_tensors(cursor, tensor_count, metadata, path)
    return Contents(path, metadata, tensors, (path,))


def _check_version(version: int) -> None:
    if version in _VERSIONS:
        return
    swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
    evidence = "its bytes are in big-endian order" if swapped in _VERSIONS else f"GGUF {version}"
    raise UnusableError(evidence, "Convert the model again with a current llama.cpp.")


def _read_tensors(
    cursor: Cursor, count: int, metadata: Metadata, path: Path
) -> dict[str, PackedTensor]:
    entries = [_read_tensor(cursor) for _ in range(count)]
    alignment = metadata.use("general.alignment")
    if alignment is None:
        alignment = 32
    if not isinstance(alignment, int) or not 0 < alignment <= _LARGEST_ALIGNMENT:
        raise ValueError("its alignment is not a size")
    start = -(-cursor.position // alignment) * alignment
    tensors = {
        name: PackedTensor(name, shape, kind, start + offset, size, path)
        for name, shape, kind, offset, size in entries
    }
    if len(tensors) != count:
        raise ValueError("two of its tensors have the same name")
    end = max((tensor.start + tensor.size for tensor in tensors.values()), default=0)
    if end > cursor.size:
        raise ValueError(f"it is incomplete: it has {cursor.size:,} of {end:,} bytes")
    return tensors


def _read_tensor(cursor: Cursor) -> tuple[str, tuple[int, ...], int, int, int]:
    name = cursor.name()
    dimensions = cursor.number("<I")
    if not 1 <= dimensions <= _MAX_DIMENSIONS:
        raise ValueError(f"“{name[:80]}” has {dimensions} dimensions")
    shape = tuple(cursor.number("<Q") for _ in range(dimensions))
    kind, offset = cursor.number("<I"), cursor.number("<Q")
    block, size = _block_of(kind, name)
    if 0 in shape or shape[0] % block:
        raise ValueError(f"“{name[:80]}” has a shape that its data type cannot have")
    return name, shape[::-1], kind, offset, math.prod(shape) // block * size


def _block_of(kind: int, name: str) -> tuple[int, int]:
    """Elements and bytes of one quantization block of a ggml data type."""
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType  # slow to import

    try:
        return GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
    except (ValueError, KeyError):
        raise ValueError(f"“{name[:80]}” has the unknown data type {kind}") from None


def kind_name(kind: int) -> str:
    """ggml's name of a data type of tensors, such as ``Q4_K``."""
    from gguf.constants import GGMLQuantizationType

    return GGMLQuantizationType(kind).name
