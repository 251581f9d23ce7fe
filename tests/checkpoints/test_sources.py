"""Everything that can be wrong with a folder of files is said before any weights are read."""

from __future__ import annotations

import json
import shutil
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from app import checkpoints
from app.checkpoints import sources
from app.checkpoints.formats.stored_tensors import StoredTensor, read_safetensors_header
from app.checkpoints.sources import (
    builtin_checkpoints,
    open_checkpoint,
    open_folder,
    split_source,
)
from app.checkpoints.spec import CheckpointSpec
from app.errors import CheckpointError, NotDownloadedError, RecipeError
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


def assert_refused(folder: Path, said: str) -> CheckpointError:
    with pytest.raises(CheckpointError, match=said) as caught:
        open_checkpoint(CheckpointSpec(f"folder:{folder}"))
    assert str(folder) in str(caught.value)
    return caught.value


def test_a_good_folder_is_opened(folder: Path) -> None:
    files = open_checkpoint(CheckpointSpec(f"folder:{folder}"))
    assert files.weights == (folder / "model.safetensors",)
    assert files.config["model_type"] == "llama"
    stored = load_file(folder / "model.safetensors")
    assert {t.name: (t.shape, t.size) for t in files.tensors} == {
        name: (tuple(tensor.shape), tensor.nbytes) for name, tensor in stored.items()
    }
    assert files.weight_bytes == sum(tensor.nbytes for tensor in stored.values())


def test_shards_are_found_through_their_index(sharded: Path) -> None:
    files = open_checkpoint(CheckpointSpec(f"folder:{sharded}"))
    assert list(files.weights) == sorted(sharded.glob("*.safetensors"))
    assert len(files.weights) > 1


def test_a_missing_folder(tmp_path: Path) -> None:
    assert_refused(tmp_path / "nowhere", "There is no folder")
    path = tmp_path / "file"
    path.write_text("")
    assert_refused(path, "There is no folder")


def test_a_folder_without_a_configuration(folder: Path) -> None:
    (folder / "config.json").unlink()
    assert_refused(folder, r"There is no config\.json")


@pytest.mark.parametrize("content", ["", "{", "\x00", "nonsense"])
def test_a_configuration_that_cannot_be_read(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    assert_refused(folder, r"config\.json cannot be read")


def test_a_configuration_that_is_a_list(folder: Path) -> None:
    (folder / "config.json").write_text("[]")
    assert_refused(folder, "does not hold a configuration")


def test_code_from_a_checkpoint_is_not_run(folder: Path) -> None:
    (folder / "config.json").write_text('{"auto_map": {"AutoConfig": "code.Config"}}')
    assert_refused(folder, "needs code of its own")


def test_a_folder_without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert_refused(folder, "There are no weights")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "consolidated.00.pth", "model.pt"])
def test_pickled_weights_are_refused(folder: Path, name: str) -> None:
    (folder / "model.safetensors").rename(folder / name)
    error = assert_refused(folder, "can run code when opened")
    assert name in str(error)


def cut(size: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:size]


def with_header(header: object) -> Callable[[bytes], bytes]:
    text = json.dumps(header).encode()
    return lambda content: struct.pack("<Q", len(text)) + text


def with_text(text: str) -> Callable[[bytes], bytes]:
    return lambda content: struct.pack("<Q", len(text)) + text.encode()


def entry(
    offsets: object = (0, 4), shape: object = (1,), dtype: object = "F32"
) -> dict[str, object]:
    return {"a": {"data_offsets": offsets, "shape": shape, "dtype": dtype}}


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
        (lambda content: b"version https://git-lfs.github.com/spec/v1\n", "not been downloaded"),
        (with_header([]), "damaged"),
        (with_header({}), "damaged"),
        (with_header({"a": 3}), "damaged"),
        (with_header({"a": {"data_offsets": [0]}}), "damaged"),
        (with_header({"a": {"data_offsets": ["0", "4"]}}), "damaged"),
        (with_header({"a": {"data_offsets": [0, 4]}}), "damaged"),
        (with_header(entry(offsets=[0, 4])), "incomplete"),
        (with_header(entry(offsets=[0, 10**30])), "incomplete"),
        (with_header(entry(offsets=[4, 8])), "damaged"),
        (with_header(entry(offsets=[-4, 0])), "damaged"),
        (with_header(entry(offsets=[4, 0])), "damaged"),
        (with_header(entry(offsets=[0, 4.0])), "damaged"),
        (with_header(entry(offsets=[0, True])), "damaged"),
        (with_header(entry(shape=[-1])), "damaged"),
        (with_header(entry(shape=None)), "damaged"),
        (with_header(entry(dtype=32)), "damaged"),
        (with_text("[" * 100_000), "damaged"),
        (with_text("{" + '"a":' * 10), "damaged"),
        (with_text('{"a":{"shape":[1],"dtype":"F32","data_offsets":[0,NaN]}}'), "damaged"),
    ],
)
def test_damaged_weights(folder: Path, damage: Callable[[bytes], bytes], said: str) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    error = assert_refused(folder, said)
    assert error.evidence
    assert "again" in error.next_step or "git lfs pull" in error.next_step


def test_a_cut_file_says_how_much_is_there(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:-1000])
    assert (
        f"{len(content) - 1000:,} of {len(content):,} bytes"
        in assert_refused(folder, "incomplete").evidence
    )


def test_a_missing_shard_is_named(sharded: Path) -> None:
    shard = sorted(sharded.glob("*.safetensors"))[1]
    shard.unlink()
    assert_refused(sharded, shard.name.replace(".", r"\."))


def test_a_damaged_shard_is_named(sharded: Path) -> None:
    shard = sorted(sharded.glob("*.safetensors"))[1]
    shard.write_bytes(shard.read_bytes()[:-7])
    assert_refused(sharded, shard.name.replace(".", r"\."))


@pytest.mark.parametrize(
    "index",
    ["{", "[]", "{}", '{"weight_map": []}', '{"weight_map": {"a": 1}}', '{"weight_map": {}}'],
)
def test_an_index_that_names_no_shards(sharded: Path, index: str) -> None:
    (sharded / "model.safetensors.index.json").write_text(index)
    assert_refused(sharded, r"model\.safetensors\.index\.json")


@pytest.mark.parametrize("place", ["../other/model.safetensors", "/etc/hostname", ""])
def test_an_index_cannot_leave_the_folder(sharded: Path, place: str) -> None:
    index = json.dumps({"weight_map": {"a": place}})
    (sharded / "model.safetensors.index.json").write_text(index)
    assert_refused(sharded, "is missing")


@pytest.mark.parametrize("source", ["nonsense", "web:a/b", "", "/a/folder", "folder:", "hub"])
def test_a_source_of_an_unknown_kind(source: str) -> None:
    with pytest.raises(RecipeError, match="is not a source of a checkpoint"):
        split_source(source)


@pytest.mark.parametrize("name", ["../recipes", "demo/../../app", "/etc", "demo/base/.", "demo"])
def test_a_builtin_checkpoint_cannot_lead_elsewhere(name: str) -> None:
    with pytest.raises(RecipeError, match="There is no built-in checkpoint"):
        open_checkpoint(CheckpointSpec(f"builtin:{name}"))


def test_builtin_checkpoints_are_named(
    monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "demo").mkdir()
    folder.rename(tmp_path / "demo" / "base")
    monkeypatch.setattr(sources, "resource", tmp_path.joinpath)
    assert builtin_checkpoints() == ["builtin:demo/base"]
    files = open_checkpoint(CheckpointSpec("builtin:demo/base"))
    assert files.folder == tmp_path / "demo" / "base"
    for name in ("demo/other", "../demo/base", "demo"):
        with pytest.raises(RecipeError, match=r"There are: builtin:demo/base\."):
            open_checkpoint(CheckpointSpec(f"builtin:{name}"))


def test_any_header_is_read_or_refused(tmp_path: Path) -> None:
    """Nothing but a CheckpointError comes out, whatever the bytes."""
    path = tmp_path / "model.safetensors"

    @given(st.binary(max_size=200), st.integers(0, 2**64 - 1) | st.none())
    def check(content: bytes, length: int | None) -> None:
        claimed = len(content) if length is None else length
        path.write_bytes(struct.pack("<Q", claimed) + content)
        with pytest.raises(CheckpointError):
            read_safetensors_header(path)

    check()


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@pytest.mark.slow
@given(
    header=st.dictionaries(
        st.text(max_size=5),
        st.fixed_dictionaries(
            {},
            optional={
                "dtype": st.just("F32") | _JSON,
                "shape": st.lists(st.integers(0, 3), max_size=3) | _JSON,
                "data_offsets": st.lists(st.integers(0, 8), min_size=2, max_size=2) | _JSON,
            },
        )
        | _JSON,
        max_size=3,
    ),
    size=st.integers(0, 20),
)
def test_any_header_in_json_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, header: object, size: int
) -> None:
    path = tmp_path_factory.mktemp("headers") / "model.safetensors"
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(size))
    with suppress(CheckpointError):
        assert sum(tensor.size for tensor in read_safetensors_header(path)) == size


def hub_with(
    monkeypatch: pytest.MonkeyPatch, complete: Path | None, metadata: Path | None
) -> list[str]:
    """A stand-in for the cache of Hub checkpoints; what it was asked for."""
    asked: list[str] = []
    module = ModuleType("app.checkpoints.hub")
    module.parse = lambda source: asked.append(source) or source  # type: ignore[attr-defined]
    module.cached_folder = lambda hub_id: complete  # type: ignore[attr-defined]
    module.metadata_folder = lambda hub_id: metadata  # type: ignore[attr-defined]
    module.tensor_headers = lambda hub_id: {"w": ("BF16", (2, 3))}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "app.checkpoints.hub", module)
    monkeypatch.setattr(checkpoints, "hub", module, raising=False)
    return asked


def test_a_cached_hub_checkpoint_is_opened(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    asked = hub_with(monkeypatch, folder, None)
    files = open_checkpoint(CheckpointSpec("hub:a/b@main"))
    assert (files.folder, files.revision) == (folder, folder.name)
    assert asked == ["hub:a/b@main"]


def test_a_hub_checkpoint_without_weights_is_enough_for_a_check(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    (folder / "model.safetensors").unlink()
    hub_with(monkeypatch, None, folder)
    spec = CheckpointSpec("hub:a/b")
    files = open_checkpoint(spec, weights_required=False)
    assert files.weights == ()
    assert files.tensors == (StoredTensor("w", "BF16", (2, 3), 12),)
    with pytest.raises(NotDownloadedError, match="a/b is not on this machine") as caught:
        open_checkpoint(spec)
    assert caught.value.source == "hub:a/b"
    hub_with(monkeypatch, None, None)
    with pytest.raises(NotDownloadedError):
        open_checkpoint(spec, weights_required=False)


def test_an_unfinished_download_is_told(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model.safetensors.incomplete")
    error = assert_refused(folder, "There are no weights")
    assert "model.safetensors.incomplete" in error.evidence
    assert "download" in error.next_step


def test_a_folder_that_holds_a_model_and_an_adapter_is_refused(folder: Path) -> None:
    open_folder(folder)
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="holds a model and an adapter"):
        open_folder(folder)
