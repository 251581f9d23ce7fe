"""Which engine reads a role, and what is said about one that cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app import extras
from app.checkpoints.engine_choice import (
    check_engine,
    engine_of,
    may_be_device_of,
    would_suit_llama,
)
from app.checkpoints.spec import CheckpointSpec
from app.decoding.llama_cpp import library
from app.errors import CheckpointError

GGUF = CheckpointSpec("gguf:/models/a.gguf")
FOLDER = CheckpointSpec("folder:/models/a")
LORA = CheckpointSpec("adapter:/models/lora", over="gguf:/models/a.gguf")
GGUF_LORA = CheckpointSpec("adapter:/models/lora.gguf", over="gguf:/models/a.gguf")


@pytest.fixture(params=[True, False], ids=["installed", "missing"])
def installed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    module = "json" if request.param else "a_module_that_is_nowhere"
    monkeypatch.setitem(extras._MODULES, "llama", module)
    return bool(request.param)


def test_a_gguf_file_is_read_by_llama_cpp_where_it_is_installed(installed: bool) -> None:
    assert engine_of(GGUF) == ("llama.cpp" if installed else "transformers")
    assert would_suit_llama(GGUF) is not installed
    assert engine_of(replace(GGUF, engine="transformers")) == "transformers"
    assert engine_of(replace(GGUF, engine="llama.cpp")) == "llama.cpp"


@pytest.mark.parametrize(
    "spec",
    [
        FOLDER,
        LORA,
        replace(GGUF, dtype="float32"),
        replace(GGUF, quantization="int8"),
        replace(GGUF, offload=True),
        replace(GGUF, device="cuda:0"),
        replace(GGUF, device="mps"),
    ],
)
def test_what_only_transformers_reads(spec: CheckpointSpec, installed: bool) -> None:
    assert engine_of(spec) == "transformers"
    assert not would_suit_llama(spec)
    check_engine("base", spec)
    with pytest.raises(CheckpointError, match=r"(?s)llama\.cpp cannot read the base.*engine"):
        check_engine("base", replace(spec, engine="llama.cpp"))


def test_an_adapter_in_gguf_format_needs_llama_cpp_and_a_gguf_file(installed: bool) -> None:
    assert engine_of(GGUF_LORA) == ("llama.cpp" if installed else "transformers")
    if installed:
        check_engine("expert", GGUF_LORA)
    else:
        with pytest.raises(CheckpointError, match=r"(?s)needs llama\.cpp.*tuneshift\[llama\]"):
            check_engine("expert", GGUF_LORA)
    for change, said in (
        ({"engine": "transformers"}, "the engine transformers is set"),
        ({"dtype": "float32"}, "the dtype float32 is set"),
        ({"over": "folder:/models/a"}, "over folder:/models/a"),
    ):
        with pytest.raises(CheckpointError, match=said):
            check_engine("expert", replace(GGUF_LORA, **change))


def test_an_engine_that_is_named_must_be_installed(installed: bool) -> None:
    spec = replace(GGUF, engine="llama.cpp")
    if installed:
        check_engine("base", spec)
        return
    with pytest.raises(CheckpointError, match=r"(?s)is not installed.*tuneshift\[llama\]"):
        check_engine("base", spec)


@pytest.mark.parametrize(
    ("device", "torch", "llama"),
    [
        ("auto", True, True),
        ("cpu", True, True),
        ("cuda:0", True, False),
        ("mps:0", True, False),
        ("vulkan:0", False, True),
    ],
)
def test_a_device_of_the_preferences_is_one_of_either_engine(
    device: str, torch: bool, llama: bool
) -> None:
    assert may_be_device_of(device, "transformers") is torch
    assert may_be_device_of(device, "llama.cpp") is llama


def test_a_library_that_was_built_with_cuda_shares_its_device_with_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(extras._MODULES, "llama", "json")
    monkeypatch.setattr(library, "_PACKAGE", "json")
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path))
    spec = replace(GGUF, device="cuda:0")
    for name in ("libggml.so", "libggml-base.so", "libggml-cpu-haswell.so"):
        (tmp_path / name).touch()
    assert library.backends() == {"cpu"}
    assert engine_of(spec) == "transformers"
    (tmp_path / "libggml-cuda.so.0").touch()
    assert library.backends() == {"cpu", "cuda"}
    assert engine_of(spec) == "llama.cpp"
    assert may_be_device_of("cuda:0", "llama.cpp")
    assert may_be_device_of("cuda:0", "transformers")
