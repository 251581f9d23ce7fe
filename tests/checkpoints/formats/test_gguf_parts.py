"""Split GGUF files are read like whole ones; what is missing or foreign in them is said."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import gguf
import pytest
from safetensors.torch import load_file

from app.checkpoints.candidates.local_model import ModelReader
from app.checkpoints.formats.gguf import read_header, weights_folder
from app.checkpoints.formats.gguf_checkpoint import write_checkpoint
from app.checkpoints.formats.gguf_files import source_of_path
from app.checkpoints.formats.gguf_parts import parts_of, read_parts
from app.checkpoints.source_names import model_name
from app.checkpoints.spec import CheckpointSpec
from app.decoding.llama_cpp.library import is_installed
from app.decoding.llama_cpp.llama_trial import compute_once
from app.errors import CheckpointError
from tests import tiny, tiny_gguf

Q8 = gguf.GGMLQuantizationType.Q8_0


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """The first part of a split file."""
    return tiny_gguf.write(tiny.make_model("llama", 3), tmp_path / "tiny.gguf", Q8, part=6)


def refusal(path: Path) -> CheckpointError:
    with pytest.raises(CheckpointError) as caught:
        read_header(path)
    assert str(path) in caught.value.cause
    return caught.value


@pytest.mark.slow
def test_a_split_file_is_converted_like_a_whole_one(first: Path, tmp_path: Path) -> None:
    whole = tiny_gguf.write(tiny.make_model("llama", 3), tmp_path / "whole.gguf", Q8)
    assert len(parts_of(first)) > 2
    written = []
    for name, path in (("split", first), ("one", whole)):
        (tmp_path / name).mkdir()
        write_checkpoint(path, tmp_path / name, weights=True)
        written.append(load_file(tmp_path / name / "model.safetensors"))
    split, one = written
    assert split.keys() == one.keys()
    assert all(split[name].equal(one[name]) for name in one)
    assert read_header(first).packed == read_header(whole).packed
    assert read_header(first).files == parts_of(first)


@pytest.mark.skipif(not is_installed(), reason="llama.cpp is not installed")
@pytest.mark.slow
def test_llama_cpp_reads_the_parts(first: Path) -> None:
    compute_once(read_header(first).files)


def test_a_split_file_is_one_model(first: Path) -> None:
    model = ModelReader().read(f"gguf:{first}", "tiny", first)
    assert model.problem == ""
    assert model.size == sum(path.stat().st_size for path in parts_of(first))
    assert model_name(CheckpointSpec(model.source)) == "tiny (GGUF)"
    assert source_of_path(str(first.parent)) == f"gguf:{first}"


def test_a_missing_part_is_named(first: Path) -> None:
    count = len(parts_of(first))
    parts_of(first)[1].unlink()
    error = refusal(first)
    assert error.evidence.startswith(f"of its {count} parts, 1 are missing, such as tiny-00002")
    assert "into one folder" in error.next_step


def test_a_later_part_names_the_first(first: Path) -> None:
    error = refusal(parts_of(first)[1])
    assert "part 2 of" in error.evidence
    assert first.name in error.next_step


def test_a_renamed_part_says_so(first: Path) -> None:
    error = refusal(first.rename(first.with_name("model.gguf")))
    assert "its name does not end in -00001-of-" in error.evidence


@pytest.mark.parametrize("other", ["cut", "empty", "text", "first", "later", "whole"])
def test_a_part_that_does_not_belong_is_damage(first: Path, tmp_path: Path, other: str) -> None:
    second, third = parts_of(first)[1:3]
    if other == "whole":
        tiny_gguf.write(tiny.make_model("llama", 3), tmp_path / "w.gguf").rename(second)
    elif other in ("first", "later"):
        shutil.copy(first if other == "first" else third, second)
    else:
        content = {"cut": second.read_bytes()[:-40], "empty": b"", "text": b"hello"}[other]
        second.write_bytes(content)
    error = refusal(first)
    assert error.cause.endswith("is damaged")
    assert re.search(r"tiny-00002-of-\d+\.gguf", error.evidence)


def test_a_changed_part_is_converted_anew(first: Path) -> None:
    before = weights_folder(first)
    last = parts_of(first)[-1]
    last.write_bytes(last.read_bytes() + b"x")
    assert weights_folder(first) != before


def test_a_whole_file_is_its_only_part(tmp_path: Path) -> None:
    path = tiny_gguf.write(tiny.make_model("llama", 3), tmp_path / "tiny.gguf")
    assert parts_of(path) == (path,) == read_parts(path).paths
