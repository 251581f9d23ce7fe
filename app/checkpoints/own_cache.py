"""What Tuneshift keeps in its cache folder: sizes, what it is for, and deleting it.

All of it is made again when it is needed. Models from the Hub are in another folder, which other
programs use too; see :mod:`app.checkpoints.hub.cache`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.checkpoints.formats.gguf import CONVERTED_FROM
from app.checkpoints.formats.gguf_conversion import is_being_written
from app.errors import CheckpointError
from app.settings import cache_folder

KINDS = {
    "gguf": "models converted from GGUF files",
    "proofs": "comparisons of models with plain forward passes",
    "gguf-trials": "GGUF files that llama.cpp could load",
    "headers": "sizes of models on the Hub",
}
"""The folders in the cache folder, and what they contain."""


@dataclass(frozen=True, slots=True)
class CachedConversion:
    """A model converted from a GGUF file.

    Attributes:
        folder: The folder of the conversion.
        path: The GGUF file; empty if it is not known.
        size: Bytes on the disk.
    """

    folder: Path
    path: str
    size: int

    @property
    def is_current(self) -> bool:
        """Whether the GGUF file is still there, as far as is known."""
        return not self.path or Path(self.path).is_file()


def size_of(kind: str) -> int:
    """Bytes on the disk of the files of one kind."""
    return _size(cache_folder() / kind)


def conversions() -> list[CachedConversion]:
    """The converted models, the largest first."""
    found = [
        CachedConversion(folder, _converted_from(folder), _size(folder))
        for folder in _entries("gguf")
    ]
    return sorted(found, key=lambda conversion: (-conversion.size, conversion.path))


def clear(kind: str) -> int:
    """Delete the files of one kind, except those that are being written; returns bytes freed.

    Raises:
        CheckpointError: A file cannot be deleted.
    """
    before = size_of(kind)
    for path in _entries(kind):
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise CheckpointError(
                f"{path} cannot be deleted",
                evidence=error.strerror or str(error),
                next_step="Check the permissions of the folder.",
            ) from error
    return before - size_of(kind)


def _entries(kind: str) -> Iterator[Path]:
    folder = cache_folder() / kind
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return (path for path in paths if not is_being_written(path))


def _converted_from(folder: Path) -> str:
    try:
        return os.fsdecode((folder / CONVERTED_FROM).read_bytes())
    except OSError:  # converted by an earlier version
        return ""


def _size(path: Path) -> int:
    if path.is_file():
        return path.lstat().st_size
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += Path(folder, name).lstat().st_size
            except OSError:  # deleted meanwhile
                continue
    return total
