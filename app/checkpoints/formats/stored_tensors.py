"""The header of a safetensors file, read without the weights; every size is checked."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import CheckpointError

_MAX_HEADER_BYTES = 100_000_000  # the limit of the safetensors library
_BYTES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2}
_LFS_POINTER = b"version https://git-lfs"


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor of a weight file.

    Attributes:
        name: Name in the file.
        dtype: The dtype in the notation of safetensors, such as ``BF16``.
        shape: The dimensions.
        size: Bytes in the file.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    size: int

    @classmethod
    def of(cls, name: str, dtype: str, shape: tuple[int, ...]) -> StoredTensor:
        """A tensor whose size is computed from its dtype and shape."""
        return cls(name, dtype, shape, math.prod(shape) * _BYTES.get(dtype, 1))

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


def read_safetensors_header(path: Path) -> tuple[StoredTensor, ...]:
    """The tensors of a safetensors file; checks that they fill the file exactly.

    Raises:
        CheckpointError: The file is damaged or incomplete, or is a Git LFS pointer.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(len(_LFS_POINTER))
            if start == _LFS_POINTER:
                raise _not_fetched(path)
            file.seek(0)
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(size, _MAX_HEADER_BYTES):
                raise ValueError("its header is longer than the file")
            tensors = _tensors(json.loads(file.read(length)))
    except struct.error as error:
        raise _damaged(path, f"it has {size:,} bytes") from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damaged(path, str(error) or "its header is incomplete") from error
    expected = 8 + length + sum(tensor.size for tensor in tensors)
    if size != expected:
        raise CheckpointError(
            f"The weight file {path} is incomplete",
            evidence=f"it has {size:,} of {expected:,} bytes",
            next_step="Download or copy it again.",
        )
    return tensors


def _tensors(header: dict[str, Any]) -> tuple[StoredTensor, ...]:
    tensors = []
    end = 0
    entries = [(name, entry) for name, entry in header.items() if name != "__metadata__"]
    for name, entry in sorted(entries, key=lambda item: item[1]["data_offsets"]):
        first, last = map(_count, entry["data_offsets"])
        shape = tuple(map(_count, entry["shape"]))
        dtype = entry["dtype"]
        if first != end or last < first or not isinstance(dtype, str):
            raise ValueError("the offsets of its tensors are not contiguous")
        end = last
        tensors.append(StoredTensor(name, dtype, shape, last - first))
    if not tensors:
        raise ValueError("it holds no tensors")
    return tuple(tensors)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("a size or offset in its header is not an integer of at least 0")
    return value


def _damaged(path: Path, evidence: str) -> CheckpointError:
    return CheckpointError(
        f"The weight file {path} is damaged",
        evidence=evidence,
        next_step="Download or copy it again.",
    )


def _not_fetched(path: Path) -> CheckpointError:
    return CheckpointError(
        f"The weight file {path} has not been downloaded",
        evidence="it is a Git LFS pointer, not the file itself",
        next_step="Run “git lfs pull” in its folder, or download the model again.",
    )
