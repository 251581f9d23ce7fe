"""Fingerprint of a checkpoint, from samples of its files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from app.checkpoints.sources import CheckpointFiles

_BLOCKS, _BLOCK_BYTES = 16, 65_536
_WHOLE_BYTES = 32 * 2**20
_SMALL_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json")


def fingerprint(files: CheckpointFiles) -> str:
    """A digest of the files that determine the outputs of a checkpoint, such as ``sampled:8c7d…``.

    Configuration and tokenizer files are hashed completely. Of each weight file, the size and 16
    blocks of 64 KiB spread over the file are hashed, which takes milliseconds for a large model.
    Other weights of the same model differ in every block, but a change of a few numbers may not be
    detected.

    Raises:
        OSError: A file cannot be read.
    """
    digest = hashlib.sha256()
    folders = [files.folder]
    if files.adapter and not files.adapter.is_gguf:
        folders.append(files.adapter.folder)
    for folder in folders:
        for name in (*_SMALL_FILES, "adapter_config.json"):
            if (folder / name).is_file():
                _add_whole(digest, folder / name)
    for path in (*files.weights, *([files.adapter.weights] if files.adapter else [])):
        _add_blocks(digest, path)
    return f"sampled:{digest.hexdigest()[:32]}"


def fingerprint_of_weights(files: Iterable[Path]) -> str:
    """The digest of weight files alone, such as the parts of a GGUF file.

    Raises:
        OSError: A file cannot be read.
    """
    digest = hashlib.sha256()
    for path in files:
        _add_blocks(digest, path)
    return digest.hexdigest()


def _add_whole(digest: hashlib._Hash, path: Path) -> None:
    size = path.stat().st_size
    digest.update(f"{path.name} {size}\n".encode())
    if size <= _WHOLE_BYTES:
        digest.update(path.read_bytes())
    else:
        _add_blocks(digest, path)


def _add_blocks(digest: hashlib._Hash, path: Path) -> None:
    size = path.stat().st_size
    digest.update(f"{path.name} {size}\n".encode())
    with path.open("rb") as file:
        for block in range(_BLOCKS):
            file.seek(max(size - _BLOCK_BYTES, 0) * block // (_BLOCKS - 1))
            digest.update(file.read(_BLOCK_BYTES))
