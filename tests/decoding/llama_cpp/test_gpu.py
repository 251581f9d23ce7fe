"""llama.cpp on a graphics processor against llama.cpp on the processor.

Skipped by name where it sees none. ``make vulkan-check`` runs these on a device in software.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gguf
import pytest
import torch
from torch import Tensor

from app.decoding.llama_cpp.library import devices
from app.decoding.llama_cpp.llama_context import ContextOptions, LlamaContext
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.decoding.llama_cpp.llama_weights import CPU, LlamaCppWeights
from app.errors import DeviceError
from tests import tiny, tiny_gguf
from tests.decoding.llama_cpp.test_rows import CONFIGS, plain

pytestmark = pytest.mark.slow

_HALF = 2e-2
"""How far logits may be apart in half precision, as a share of the largest."""
_TEXT = torch.tensor([17, 3, 240, 99, 5, 61, 7, 301, 12, 88, 45, 150, 2, 33, 270, 19, 4, 77, 8, 64])
_KINDS = gguf.GGMLQuantizationType


@pytest.fixture
def gpu() -> str:
    for device in devices():
        if device.is_gpu:
            return device.in_recipes
    pytest.skip("llama.cpp sees no graphics processor; make vulkan-check brings one in software")


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    opened = Files(tmp_path)
    yield opened
    opened.close()


class Files:
    """Tiny models as files, and their weights on devices, which are closed after the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._weights: list[LlamaCppWeights] = []

    def write(self, name: str, kind: _KINDS = tiny_gguf.F32, seed: int = 1) -> Path:
        model = tiny.random_model(CONFIGS[name], seed=seed)
        return tiny_gguf.write(model, self._folder / f"{name}-{kind.name}-{seed}.gguf", kind)

    def open(self, file: Path, device: str, layers: int = -1) -> LlamaCppWeights:
        self._weights.append(LlamaCppWeights.open([file], device=device, gpu_layers=layers))
        return self._weights[-1]

    def close(self) -> None:
        for weights in self._weights:
            weights.close()


def assert_near(rows: Tensor, wanted: Tensor) -> None:
    assert rows.shape == wanted.shape
    assert float((rows - wanted).abs().max() / wanted.abs().max()) <= _HALF


@pytest.mark.parametrize("name", ["llama", "qwen3", "gemma2", "mixtral"])
def test_rows_are_those_of_the_processor(name: str, gpu: str, files: Files) -> None:
    file = files.write(name)
    wanted = LlamaCppLanguageModel(files.open(file, CPU)).extend(_TEXT, len(_TEXT))
    model = LlamaCppLanguageModel(files.open(file, gpu))
    assert_near(model.extend(_TEXT, len(_TEXT)), wanted)


@pytest.mark.parametrize("kind", [_KINDS.F16, _KINDS.Q8_0, _KINDS.Q4_0])
def test_rows_of_packed_weights_are_those_of_unpacked_ones(
    kind: _KINDS, gpu: str, files: Files
) -> None:
    """llama.cpp on the processor is no measure here: it rounds activations to 8 bits."""
    reference = tiny.random_model(CONFIGS["llama"], seed=1)
    for parameter in reference.parameters():
        if parameter.ndim == 2 and parameter.shape[1] % gguf.GGML_QUANT_SIZES[kind][0] == 0:
            packed = gguf.quants.quantize(parameter.detach().numpy(), kind)
            parameter.data = torch.from_numpy(gguf.quants.dequantize(packed, kind)).float()
    model = LlamaCppLanguageModel(files.open(files.write("llama", kind), gpu))
    assert_near(model.extend(_TEXT, len(_TEXT)), plain(reference, _TEXT))


def test_steps_and_blocks_and_rewinds_agree(gpu: str, files: Files) -> None:
    model = LlamaCppLanguageModel(files.open(files.write("qwen3"), gpu))
    wanted = model.extend(_TEXT, len(_TEXT))
    model.rewind(3)
    steps = torch.cat([model.extend(token) for token in _TEXT[3:11].split(1)])
    assert_near(steps, wanted[3:11])
    model.rewind(5)
    model.extend(torch.tensor([9, 9, 9]))  # a draft that is not accepted
    model.rewind(5)
    assert_near(model.extend(_TEXT[5:13], 8), wanted[5:13])


def test_some_layers_may_stay_on_the_processor(gpu: str, files: Files) -> None:
    file = files.write("llama")
    wanted = LlamaCppLanguageModel(files.open(file, CPU)).extend(_TEXT, len(_TEXT))
    model = LlamaCppLanguageModel(files.open(file, gpu, layers=1))
    assert_near(model.extend(_TEXT, len(_TEXT)), wanted)


def test_two_models_take_turns_on_one_device(gpu: str, files: Files) -> None:
    names = ("llama", "qwen3")
    paths = [files.write(name) for name in names]
    wanted = [LlamaCppLanguageModel(files.open(path, CPU)).extend(_TEXT, 20) for path in paths]
    models = [LlamaCppLanguageModel(files.open(path, gpu)) for path in paths]
    for start in range(0, 20, 4):
        for model, rows in zip(models, wanted, strict=True):
            assert_near(model.extend(_TEXT[start : start + 4], 4), rows[start : start + 4])


def test_a_text_moves_between_models_on_one_device(gpu: str, files: Files) -> None:
    weights = files.open(files.write("llama"), gpu)
    model, other = LlamaCppLanguageModel(weights), LlamaCppLanguageModel(weights)
    wanted = model.extend(_TEXT, len(_TEXT))
    state = model.take_state()
    assert state is not None
    other.put_state(state)
    other.rewind(7)
    assert_near(other.extend(_TEXT[7:], 13), wanted[7:])


def test_memory_that_is_not_enough_is_an_error_and_the_device_works_on(
    gpu: str, files: Files
) -> None:
    weights = files.open(files.write("llama"), gpu)
    model = LlamaCppLanguageModel(weights)
    wanted = model.extend(_TEXT, len(_TEXT))
    with pytest.raises(DeviceError, match="no memory for a KV cache"):
        LlamaContext(weights, 1 << 30, ContextOptions())  # 128 GiB
    model.rewind(4)
    assert_near(model.extend(_TEXT[4:], 16), wanted[4:])


@pytest.mark.process
def test_weights_larger_than_a_device_can_hold_are_an_error_of_its_memory(
    gpu: str, files: Files
) -> None:
    """In a process of its own with a limit, which a driver in software does not have."""
    script = f"""
from pathlib import Path
from app.decoding.llama_cpp.llama_weights import LlamaCppWeights
from app.errors import DeviceError
try:
    LlamaCppWeights.open([Path({str(files.write("llama"))!r})], device={gpu!r})
except DeviceError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "GGML_VK_FORCE_MAX_BUFFER_SIZE": "256"},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    assert re.match(rf"The memory of {gpu} was not enough for llama-F32-1\.gguf", done.stdout)
