"""Everything that can be wrong with a folder of files is said before any weights are read."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

from app.checkpoints import sources
from app.checkpoints.sources import builtin_checkpoints, folder_of, open_checkpoint
from app.checkpoints.spec import CheckpointSpec
from app.errors import CheckpointError, RecipeError
from tests import tiny


@pytest.fixture
def folder(llama: tiny.Family, tmp_path: Path) -> Path:
    """A good checkpoint that a test may damage."""
    return Path(shutil.copytree(llama.base, tmp_path / "model"))


@pytest.fixture
def sharded(llama: tiny.Family, tmp_path: Path) -> Path:
    """A good checkpoint in several weight files."""
    folder = Path(shutil.copytree(llama.base, tmp_path / "sharded"))
    (folder / "model.safetensors").unlink()
    model = AutoModelForCausalLM.from_pretrained(llama.base)
    model.save_pretrained(folder, max_shard_size="50KB")
    return folder


def refused(folder: Path, said: str) -> CheckpointError:
    with pytest.raises(CheckpointError, match=said) as caught:
        open_checkpoint(CheckpointSpec(f"folder:{folder}"))
    assert str(folder) in str(caught.value)
    return caught.value


def test_a_good_folder_is_opened(folder: Path) -> None:
    files = open_checkpoint(CheckpointSpec(f"folder:{folder}"))
    assert files.weights == (folder / "model.safetensors",)
    assert files.config["model_type"] == "llama"
    assert files.weight_bytes == (folder / "model.safetensors").stat().st_size


def test_shards_are_found_through_their_index(sharded: Path) -> None:
    files = open_checkpoint(CheckpointSpec(f"folder:{sharded}"))
    assert list(files.weights) == sorted(sharded.glob("*.safetensors"))
    assert len(files.weights) > 1


def test_a_missing_folder(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "There is no folder")
    path = tmp_path / "file"
    path.write_text("")
    refused(path, "There is no folder")


def test_a_folder_without_a_configuration(folder: Path) -> None:
    (folder / "config.json").unlink()
    refused(folder, r"There is no config\.json")


@pytest.mark.parametrize("content", ["", "{", "\x00", "nonsense"])
def test_a_configuration_that_cannot_be_read(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    refused(folder, r"config\.json cannot be read")


def test_a_configuration_that_is_a_list(folder: Path) -> None:
    (folder / "config.json").write_text("[]")
    refused(folder, "does not hold a configuration")


def test_code_from_a_checkpoint_is_not_run(folder: Path) -> None:
    (folder / "config.json").write_text('{"auto_map": {"AutoConfig": "code.Config"}}')
    refused(folder, "needs code of its own")


def test_a_folder_without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    refused(folder, "There are no weights")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "consolidated.00.pth", "model.pt"])
def test_pickled_weights_are_refused(folder: Path, name: str) -> None:
    (folder / "model.safetensors").rename(folder / name)
    error = refused(folder, "can run code when opened")
    assert name in str(error)


def cut(size: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:size]


def with_header(header: object) -> Callable[[bytes], bytes]:
    text = json.dumps(header).encode()
    return lambda content: struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut(0), "damaged"),
        (cut(5), "damaged"),
        (cut(8), "damaged"),
        (cut(100), "damaged"),
        (lambda content: content[: len(content) // 2], "incomplete"),
        (lambda content: content[:-1], "incomplete"),
        (lambda content: content + b"\x00", "incomplete"),
        (lambda content: b"\xff" * 64, "damaged"),
        (lambda content: b"<html>Not found</html>", "damaged"),
        (lambda content: b"version https://git-lfs.github.com/spec/v1\n", "damaged"),
        (with_header([]), "damaged"),
        (with_header({}), "damaged"),
        (with_header({"a": 3}), "damaged"),
        (with_header({"a": {"data_offsets": [0]}}), "damaged"),
        (with_header({"a": {"data_offsets": ["0", "4"]}}), "damaged"),
        (with_header({"a": {"data_offsets": [0, 4]}}), "incomplete"),
    ],
)
def test_damaged_weights(folder: Path, damage: Callable[[bytes], bytes], said: str) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    error = refused(folder, said)
    assert error.evidence
    assert "again" in error.next_step


def test_a_cut_file_says_how_much_is_there(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:-1000])
    assert (
        f"{len(content) - 1000:,} bytes of {len(content):,}"
        in refused(folder, "incomplete").evidence
    )


def test_a_missing_shard_is_named(sharded: Path) -> None:
    shard = sorted(sharded.glob("*.safetensors"))[1]
    shard.unlink()
    refused(sharded, shard.name.replace(".", r"\."))


def test_a_damaged_shard_is_named(sharded: Path) -> None:
    shard = sorted(sharded.glob("*.safetensors"))[1]
    shard.write_bytes(shard.read_bytes()[:-7])
    refused(sharded, shard.name.replace(".", r"\."))


@pytest.mark.parametrize(
    "index",
    ["{", "[]", "{}", '{"weight_map": []}', '{"weight_map": {"a": 1}}', '{"weight_map": {}}'],
)
def test_an_index_that_names_no_shards(sharded: Path, index: str) -> None:
    (sharded / "model.safetensors.index.json").write_text(index)
    refused(sharded, r"model\.safetensors\.index\.json")


@pytest.mark.parametrize("place", ["../other/model.safetensors", "/etc/hostname", ""])
def test_an_index_cannot_leave_the_folder(sharded: Path, place: str) -> None:
    index = json.dumps({"weight_map": {"a": place}})
    (sharded / "model.safetensors.index.json").write_text(index)
    refused(sharded, "is missing")


@pytest.mark.parametrize("source", ["nonsense", "hub:a/b", "", "/a/folder"])
def test_a_source_of_an_unknown_kind(source: str) -> None:
    with pytest.raises(RecipeError, match="is not a source of a checkpoint"):
        folder_of(source)


def test_builtin_checkpoints_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "demo" / "base").mkdir(parents=True)
    (tmp_path / "demo" / "base" / "config.json").write_text("{}")
    monkeypatch.setattr(sources, "resource", tmp_path.joinpath)
    assert builtin_checkpoints() == ["builtin:demo/base"]
    assert folder_of("builtin:demo/base") == tmp_path / "demo" / "base"
    for name in ("demo/other", "../demo/base", "demo"):
        with pytest.raises(RecipeError, match=r"There are: builtin:demo/base\."):
            folder_of(f"builtin:{name}")
