"""A fingerprint tells one checkpoint from another by a few reads."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from app.checkpoints.fingerprint import fingerprint
from app.checkpoints.sources import CheckpointFiles, open_checkpoint
from app.checkpoints.spec import CheckpointSpec
from tests import tiny


def files(folder: Path) -> CheckpointFiles:
    return open_checkpoint(CheckpointSpec(f"folder:{folder}"))


@pytest.fixture
def copy(llama: tiny.Family, tmp_path: Path) -> Path:
    return Path(shutil.copytree(llama.base, tmp_path / "elsewhere"))


def test_a_copy_is_the_same_and_another_model_is_not(llama: tiny.Family, copy: Path) -> None:
    assert fingerprint(files(copy)) == fingerprint(files(llama.base))
    assert fingerprint(files(llama.expert)) != fingerprint(files(llama.base))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_every_file_that_decides_something_counts(copy: Path, name: str) -> None:
    opened = files(copy)
    before = fingerprint(opened)
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert fingerprint(opened) != before


def test_the_ends_and_the_size_of_a_large_file_count(copy: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.safetensors"
    with large.open("wb") as file:
        file.truncate(3 * 2**30)  # takes no room on the disk
    opened = replace(files(copy), weights=(large,))
    seen = {fingerprint(opened)}
    for place in (0, 3 * 2**30 - 1):
        with large.open("r+b") as file:
            file.seek(place)
            file.write(b"\x01")
        seen.add(fingerprint(opened))
    os.truncate(large, 3 * 2**30 + 8)
    seen.add(fingerprint(opened))
    assert len(seen) == 4
