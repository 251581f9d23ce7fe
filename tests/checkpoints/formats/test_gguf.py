"""GGUF files: what a header may say; a conversion that is exact, kept, atomic and cancellable."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gguf as library
import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer

from app.checkpoints.formats import gguf, gguf_conversion
from app.checkpoints.formats.gguf_conversion import convert
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.opening import open_recipe
from app.checkpoints.sources import open_checkpoint
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.checkpoints.status import LoadProgress
from app.errors import Cancelled, CheckpointError, DeviceError
from tests import tiny, tiny_gguf
from tests.checkpoints import gguf_workers

MOST_SECONDS_FOR_A_HEADER = 10.0


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny.make_model("llama", 7)


@pytest.fixture(scope="module")
def whole(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good file in float32, which a test must not change."""
    return tiny_gguf.write(model, tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    """A good file that a test may damage."""
    copied = tmp_path / "tiny.gguf"
    copied.write_bytes(whole.read_bytes())
    return copied


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tuneshift" / "gguf"


@pytest.mark.process
def test_a_header_says_what_the_file_holds(whole: Path, model: Any) -> None:
    header = gguf.read_header(whole)
    assert (header.architecture, header.dtype) == ("llama", "F32")
    shapes = sorted(tuple(tensor.shape) for tensor in model.state_dict().values())
    assert sorted(tensor.shape for tensor in header.converted) == shapes
    assert header.packed == header.converted_bytes
    assert header.converted_bytes == sum(t.nbytes for t in model.state_dict().values())


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        (library.GGMLQuantizationType.F16, "F16"),
        (library.GGMLQuantizationType.BF16, "BF16"),
        (library.GGMLQuantizationType.Q8_0, "BF16"),
    ],
)
def test_packed_numbers_become_bfloat16_and_others_stay(
    model: Any, tmp_path: Path, kind: library.GGMLQuantizationType, dtype: str
) -> None:
    header = gguf.read_header(tiny_gguf.write(model, tmp_path / "m.gguf", kind))
    assert header.dtype == dtype
    elements = sum(tensor.numel() for tensor in model.state_dict().values())
    assert header.converted_bytes == 2 * elements


def assert_refused(path: Path, said: str) -> CheckpointError:
    with pytest.raises(CheckpointError, match=said) as caught:
        gguf.read_header(path)
    assert str(path) in str(caught.value)
    assert caught.value.evidence
    assert caught.value.next_step
    return caught.value


def test_a_missing_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing.gguf"):
        with pytest.raises(CheckpointError, match="There is no file"):
            gguf.read_header(path)


def header_of(
    values: bytes = b"",
    tensors: bytes = b"",
    *,
    version: int = 3,
    value_count: int = 0,
    tensor_count: int = 0,
) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensor_count, value_count) + values + tensors


def text(content: str) -> bytes:
    return struct.pack("<Q", len(content.encode())) + content.encode()


def value(key: str, content: str) -> bytes:
    return text(key) + struct.pack("<I", 8) + text(content)


NEEDED = value("general.architecture", "llama") + value("tokenizer.ggml.model", "llama")


def one_tensor(shape: tuple[int, ...] = (4,), kind: int = 0, start: int = 0) -> bytes:
    entry = (
        text("a.weight") + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
    )
    return header_of(NEEDED, entry + struct.pack("<IQ", kind, start), value_count=2, tensor_count=1)


def array(kind: int, count: int) -> bytes:
    return header_of(text("k") + struct.pack("<IIQ", 9, kind, count), value_count=1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cut off"),
        (b"GG", "cut off"),
        (b"<html>Not found</html>", "not a GGUF file"),
        (b"version https://git-lfs.github.com/spec/v1", "not a GGUF file"),
        (header_of(version=1), "GGUF 1"),
        (header_of(version=99), "GGUF 99"),
        (header_of(version=3 << 24), "big-endian"),
        (header_of(value_count=2**63), "more than 2,000,000"),
        (header_of(tensor_count=2**64 - 1), "more than 2,000,000"),
        (header_of(value_count=1), "cut off"),
        (header_of(text("k") + struct.pack("<I", 77), value_count=1), "unknown type 77"),
        (header_of(struct.pack("<Q", 2**40), value_count=1), "a name in its header has"),
        (
            header_of(text("k") + struct.pack("<IQ", 8, 2**62), value_count=1),
            "a string in its header has",
        ),
        (header_of(text("k") + struct.pack("<IQ", 8, 2**20), value_count=1), "cut off"),
        (array(4, 2**62), "cut off"),
        (array(8, 2**62), "more than 2,000,000"),
        (array(8, 1_000), "cut off"),
        (array(9, 1), "an array has the unknown element type 9"),
        (header_of(text("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"))), "architec"),
        (header_of(struct.pack("<Q", 1) + b"\xff", value_count=1), "utf-8"),
        (header_of(), "does not name its architecture"),
        (header_of(value("general.architecture", "llama"), value_count=1), "no tokenizer"),
        (header_of(NEEDED, value_count=2), "token has the id 1, and there are 0 tokens"),
        (
            header_of(NEEDED + text("split.count") + struct.pack("<IH", 2, 3), value_count=3),
            "the first of 3 parts",
        ),
        (one_tensor((4,)), "incomplete"),
        (one_tensor((2**63, 2**63, 2**63)), "incomplete"),
        (one_tensor((4,), start=2**63), "incomplete"),
        (one_tensor(()), "0 dimensions"),
        (one_tensor((1, 1, 1, 1, 1)), "5 dimensions"),
        (one_tensor((0,)), "a shape that its data type cannot have"),
        (one_tensor((33,), kind=8), "a shape that its data type cannot have"),
        (one_tensor((4,), kind=4), "unknown data type 4"),
        (one_tensor((4,), kind=5000), "unknown data type 5000"),
    ],
)
def test_headers_that_lie_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    assert_refused(path, said)


def test_a_file_that_was_cut_off_says_how_much_is_there(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1000])
    assert f"{len(content) - 1000:,} of" in assert_refused(path, "incomplete").evidence


@pytest.mark.slow
def test_a_large_file_of_nothing_takes_no_time(tmp_path: Path) -> None:
    """A sparse file whose header claims millions of empty texts, all of them inside the file."""
    path = tmp_path / "empty.gguf"
    with path.open("wb") as file:
        file.write(array(8, 1_999_000))
        file.truncate(1 << 33)
    started = time.process_time()
    assert_refused(path, "architecture")
    assert time.process_time() - started < MOST_SECONDS_FOR_A_HEADER


@pytest.mark.slow
@given(st.data())
def test_any_change_of_a_header_is_read_or_refused(whole: Path, data: st.DataObject) -> None:
    """Whatever the bytes, nothing but a CheckpointError comes out, and soon."""
    content = bytearray(whole.read_bytes())
    header = content.index(b"token_embd.weight") + 2000
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(4, header))
        new = data.draw(st.binary(min_size=1, max_size=8) | st.just(b"\xff" * 8))
        content[place : place + len(new)] = new
    changed = whole.parent / f"changed-{os.getpid()}.gguf"
    changed.write_bytes(content)
    started = time.process_time()
    try:
        header_read = gguf.read_header(changed)
    except CheckpointError:
        pass
    else:
        assert header_read.packed <= len(content)
    assert time.process_time() - started < MOST_SECONDS_FOR_A_HEADER


@given(st.binary(max_size=300))
def test_any_bytes_after_the_magic_are_refused(whole: Path, content: bytes) -> None:
    path = whole.parent / f"random-{os.getpid()}.gguf"
    path.write_bytes(b"GGUF\x03\x00\x00\x00" + content)
    with pytest.raises(CheckpointError):
        gguf.read_header(path)


@pytest.fixture(scope="module")
def converted(whole: Path) -> Path:
    """The whole file converted, in the cache that all tests share."""
    return convert(whole)


@pytest.mark.process
def test_conversion_is_exact(converted: Path, model: Any) -> None:
    """The oracle is the model that the file was written from, with its rotary halves apart."""
    read = AutoModelForCausalLM.from_pretrained(converted).eval()
    assert read.dtype == torch.float32
    ids = tiny.make_tokenizer().encode("the king said 42").ids
    torch.testing.assert_close(
        tiny_gguf.logits(read, ids), tiny_gguf.logits(model, ids), atol=1e-5, rtol=0
    )
    assert not hasattr(read.config, "quantization_config")


@pytest.mark.process
def test_the_tokenizer_and_the_chat_template_come_along(converted: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(converted)
    expected = tiny.make_tokenizer()
    assert tokenizer.get_vocab() == expected.get_vocab()
    sentence = "the king, 3 apples and the sea"
    assert tokenizer(sentence)["input_ids"] == expected.encode(sentence).ids
    assert tokenizer.chat_template == tiny_gguf.CHAT_TEMPLATE
    assert tokenizer.eos_token == tiny.EOS


@pytest.mark.process
def test_what_was_converted_is_used_again(
    converted: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gguf_conversion, "_run", None)  # would be called to convert
    assert convert(whole) == converted
    assert convert(whole, weights=False) == converted
    files = open_checkpoint(CheckpointSpec(f"gguf:{whole}", engine="transformers"))
    assert (files.folder, len(files.weights)) == (converted, 1)


@pytest.mark.process
def test_a_recipe_of_gguf_files_is_loaded(whole: Path, converted: Path, llama: tiny.Family) -> None:
    spec = CheckpointSpec(f"gguf:{whole}", engine="transformers")
    recipe = Recipe("r", spec, (ExpertPair("A", tiny.spec(llama.expert), spec),))
    opened = open_recipe(recipe)
    loaded = load_recipe(opened, ())
    assert [role.shared for role in loaded.roles] == [False, False, True]
    assert loaded.roles[0].source == f"gguf:{whole}"
    assert opened.roles[0].files.folder == converted


@pytest.mark.slow
def test_a_check_converts_no_weights(path: Path, cache: Path) -> None:
    spec = CheckpointSpec(f"gguf:{path}", engine="transformers")
    recipe = Recipe("r", spec, (ExpertPair("A", spec, spec),))
    (role, *_) = open_recipe(recipe, weights_required=False).roles
    assert role.files.weights == ()
    assert role.files.weight_bytes == gguf.read_header(path).converted_bytes
    assert role.tokenizer.get_vocab() == tiny.make_tokenizer().get_vocab()
    assert [folder.name.rpartition("-")[2] for folder in cache.iterdir()] == ["metadata"]

    seen: list[LoadProgress] = []
    (role, *_) = open_recipe(recipe, on_progress=seen.append).roles
    assert [path.name for path in role.files.weights] == ["model.safetensors"]
    total = gguf.read_header(path).converted_bytes
    assert {(item.role, item.total, item.converting) for item in seen} == {("base", total, True)}
    assert [item.done for item in seen] == sorted(item.done for item in seen)
    assert (seen[0].done, seen[-1].done) == (0, total)
    assert len({item.done for item in seen}) > 3
    kept = sorted(folder.name.rpartition("-")[2] for folder in cache.iterdir())
    assert kept == ["metadata", "model"]


def pretend_to_convert(monkeypatch: pytest.MonkeyPatch, work: Callable[[Any, Any], None]) -> None:
    """Let another function than the conversion run in the other process."""
    monkeypatch.setattr(gguf_conversion, "_work", work)


def converts(child: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(child.cmdline())
    except psutil.Error:  # it has ended
        return False


@pytest.mark.process
def test_conversion_can_be_cancelled_and_leaves_nothing(
    path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_to_convert(monkeypatch, gguf_workers.hang)
    seen: list[int] = []
    before = {child.pid for child in psutil.Process().children()}
    with pytest.raises(Cancelled):
        convert(
            path, on_progress=lambda done, total: seen.append(done), cancelled=lambda: len(seen) > 1
        )
    assert list(cache.iterdir()) == []
    left = [child for child in psutil.Process().children() if child.pid not in before]
    assert not [child for child in left if converts(child)]


@pytest.mark.process
@pytest.mark.parametrize(
    ("work", "kind", "said"),
    [
        (gguf_workers.die, CheckpointError, "cannot be converted.*status 3"),
        (gguf_workers.be_killed, DeviceError, "not enough memory to convert"),
        (gguf_workers.run_out_of_memory, DeviceError, "not enough memory.*cannot allocate"),
        (gguf_workers.fill_the_disk, CheckpointError, "disk was full.*No space left"),
    ],
)
def test_a_conversion_that_fails_says_why_and_leaves_nothing(
    path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[[Any, Any], None],
    kind: type[Exception],
    said: str,
) -> None:
    pretend_to_convert(monkeypatch, work)
    with pytest.raises(kind, match=said):
        convert(path)
    assert list(cache.iterdir()) == []


def test_an_architecture_that_is_not_converted_is_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.gguf"
    path.write_bytes(one_tensor((4,)).replace(b"llama", b"odder", 1) + bytes(100))
    assert_refused(path, "architecture is “odder”; supported without llama.cpp are gemma")


@pytest.mark.process
def test_no_room_for_the_result(path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = SimpleNamespace(free=1000)
    monkeypatch.setattr(gguf_conversion.shutil, "disk_usage", lambda folder: full)
    with pytest.raises(CheckpointError, match=r"not enough disk space.*free 0\.0 GB") as caught:
        convert(path)
    assert caught.value.next_step


@pytest.mark.process
def test_another_state_of_the_file_is_another_conversion(path: Path, cache: Path) -> None:
    first = gguf.weights_folder(path)
    first.mkdir(parents=True)
    assert convert(path) == first
    os.utime(path, ns=(1, 1))
    assert gguf.weights_folder(path) != first
    assert gguf.conversions_of(path) == [first]
    other = path.with_name("other.gguf")
    other.write_bytes(path.read_bytes())
    assert gguf.conversions_of(other) == []


def test_what_an_ended_process_left_is_removed(cache: Path) -> None:
    gone = cache / "partial-999999999-abc"
    mine = cache / f"partial-{os.getpid()}-abc"
    for folder in (gone, mine):
        folder.mkdir(parents=True)
    gguf_conversion._remove_abandoned(cache)
    assert list(cache.iterdir()) == [mine]
