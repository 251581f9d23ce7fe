"""What a device has and what is free of it."""

from __future__ import annotations

import os
from multiprocessing.connection import Connection
from types import SimpleNamespace

import psutil
import pytest
import torch

from app.checkpoints import devices, llama_devices
from app.checkpoints.devices import (
    all_device_names,
    cpu_has_bfloat16,
    exhausted_device,
    free_bytes,
    hardware_name,
    is_out_of_memory,
    out_of_memory,
    resolve_device,
    total_bytes,
)
from app.checkpoints.engine_options import LLAMA_CPP
from app.checkpoints.host_memory import MemoryLimit
from app.decoding.llama_cpp.library import ComputeDevice
from app.errors import DeviceError
from app.wording import size

GB = 10**9


def test_main_memory_is_what_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "memory_limit", lambda: None)
    assert total_bytes("cpu") == psutil.virtual_memory().total
    assert 0 < free_bytes("cpu") < total_bytes("cpu")


def test_torch_without_onednn_has_no_fast_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(cpu_has_bfloat16(), bool)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace())  # as on Apple silicon
    assert not cpu_has_bfloat16()


@pytest.mark.parametrize(
    ("instructions", "fast"),
    [
        ({"avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, False),  # oneDNN emulates it
        ({"avx512_f": True, "avx512_bf16": True}, True),
        ({"amx_bf16": True}, True),
        ({"neon": True, "bf16": True}, True),
    ],
)
def test_bfloat16_is_fast_only_with_instructions_for_it(
    monkeypatch: pytest.MonkeyPatch, instructions: dict[str, bool], fast: bool
) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    supported = SimpleNamespace(_is_mkldnn_bf16_supported=lambda: True)
    monkeypatch.setattr(torch.ops, "mkldnn", supported)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: instructions)
    assert cpu_has_bfloat16() is fast


def test_a_control_group_may_allow_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "memory_limit", lambda: MemoryLimit(1000, 10))
    assert (total_bytes("cpu"), free_bytes("cpu")) == (1000, 10)


def test_a_group_without_a_real_limit_allows_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "memory_limit", lambda: MemoryLimit(2**63, 2**62))
    assert total_bytes("cpu") == psutil.virtual_memory().total
    assert free_bytes("cpu") < total_bytes("cpu")


def test_what_torch_reserved_and_does_not_use_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "get_memory_info", lambda device: (3 * GB, 8 * GB))
    monkeypatch.setattr(torch.accelerator, "memory_reserved", lambda device: 4 * GB)
    monkeypatch.setattr(torch.accelerator, "memory_allocated", lambda device: 1 * GB)
    assert free_bytes("cuda:0") == 6 * GB
    assert total_bytes("cuda:0") == 8 * GB


def test_apples_chips_have_a_bounded_part_of_the_main_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 5 * GB)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 2 * GB)
    monkeypatch.setattr(devices, "memory_limit", lambda: MemoryLimit(9 * GB, GB))
    assert free_bytes("mps:0") == GB
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 6 * GB)
    assert free_bytes("mps:0") == 0
    assert total_bytes("mps:0") == 5 * GB


@pytest.mark.parametrize(
    ("device", "module", "name"),
    [
        ("cpu", None, ""),
        ("meta", None, ""),
        (
            "cuda:1",
            SimpleNamespace(get_device_name=lambda device: f"Card at {device}"),
            "Card at cuda:1",
        ),
        ("xpu:0", SimpleNamespace(get_device_name=lambda device: "Arc"), "Arc"),
        ("mps:0", SimpleNamespace(), ""),
    ],
)
def test_the_name_of_any_accelerator(
    device: str, module: object, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_device_module", lambda kind: module)
    assert hardware_name(device) == name


def test_auto_takes_the_fastest_and_a_kind_stands_for_its_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(devices, "available_devices", lambda: ["cuda:0", "cuda:1", "cpu"])
    assert [resolve_device(name) for name in ("auto", "cuda", "cuda:1", "cpu")] == [
        "cuda:0",
        "cuda:0",
        "cuda:1",
        "cpu",
    ]
    with pytest.raises(DeviceError, match="no device “cuda:2”") as raised:
        resolve_device("cuda:2")
    assert "cuda:0, cuda:1, cpu" in raised.value.next_step


def test_a_full_device_is_told_with_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "free_bytes", lambda device: int(2.5 * GB))
    error = out_of_memory("loading the base", "cpu", 4 * GB)
    assert error.evidence == "needed 4.0 GB, free 2.5 GB"
    assert out_of_memory("this run", "cpu").evidence == "free 2.5 GB"


@pytest.mark.parametrize(
    ("said", "bytes_"),
    [
        ("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8000000 bytes.", 8e6),
        ("CUDA out of memory. Tried to allocate 1.50 GiB. GPU 0 has a total capacity of", 1.61e9),
        ("Unable to allocate 7.45 MiB for an array with shape (1000, 1000)", 7.81e6),
    ],
)
def test_what_could_not_be_had_is_told(
    monkeypatch: pytest.MonkeyPatch, said: str, bytes_: float
) -> None:
    monkeypatch.setattr(devices, "free_bytes", lambda device: GB)
    behind = ValueError("something else")
    behind.__cause__ = RuntimeError(said)
    amount = size(int(bytes_))
    told = out_of_memory("this run", "cpu", error=behind).evidence
    assert told == f"needed {amount} more, free 1.0 GB"
    told = out_of_memory("loading", "cpu", 4 * GB, behind).evidence
    assert told == f"needed 4.0 GB, asked for {amount}, free 1.0 GB"


@pytest.mark.parametrize(
    "message",
    [
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "HIP out of memory. Tried to allocate 2.00 GiB.",
        "MPS backend out of memory (MPS allocated: 9.07 GB)",
    ],
)
def test_accelerators_report_out_of_memory_as_plain_runtime_errors(message: str) -> None:
    assert is_out_of_memory(RuntimeError(message))


def test_an_error_without_memory_in_it_is_not_out_of_memory() -> None:
    assert not is_out_of_memory(RuntimeError("CUDA error: an illegal memory access"))


def test_the_device_that_ran_out_is_the_one_that_torch_names() -> None:
    full = torch.OutOfMemoryError(
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 1 has a total capacity of 23.5 GiB"
    )
    assert exhausted_device(full) == "cuda:1"
    host = RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate")
    assert exhausted_device(host) == "cpu"
    assert exhausted_device(OSError(12, "Cannot allocate memory")) == "cpu"
    assert exhausted_device(OSError(5, "Input/output error")) is None
    said = str(out_of_memory("this run", "cuda:0", error=host).args[0])
    assert "cuda:0" not in said


@pytest.fixture
def radeon(monkeypatch: pytest.MonkeyPatch) -> None:
    """llama.cpp sees a GPU; torch sees none."""
    seen = (
        ComputeDevice("Vulkan0", "Radeon", "gpu", 6 * GB, 8 * GB),
        ComputeDevice("CPU", "Ryzen", "cpu", 10 * GB, 16 * GB),
    )
    monkeypatch.setattr(llama_devices, "is_installed", lambda: True)
    monkeypatch.setattr(llama_devices, "devices", lambda: seen)
    monkeypatch.setattr(devices, "available_devices", lambda: ["cpu"])


@pytest.mark.usefixtures("radeon")
def test_a_gpu_of_llama_cpp_has_a_name_and_memory() -> None:
    assert all_device_names() == ["vulkan:0", "cpu"]
    assert (free_bytes("vulkan:0"), total_bytes("vulkan:0")) == (6 * GB, 8 * GB)
    assert hardware_name("vulkan:0") == "Radeon"


@pytest.mark.usefixtures("radeon")
def test_each_engine_has_its_own_devices() -> None:
    assert [resolve_device(name, LLAMA_CPP) for name in ("auto", "vulkan", "cpu")] == [
        "vulkan:0",
        "vulkan:0",
        "cpu",
    ]
    assert resolve_device("auto") == "cpu"
    with pytest.raises(DeviceError, match=r"transformers does not compute on “vulkan:0”.*: cpu"):
        resolve_device("vulkan:0")
    with pytest.raises(DeviceError, match=r"no device “vulkan:1”.*vulkan:0, cpu"):
        resolve_device("vulkan:1", LLAMA_CPP)


@pytest.mark.usefixtures("radeon")
def test_without_llama_cpp_there_are_the_devices_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama_devices, "is_installed", lambda: False)
    assert all_device_names() == ["cpu"]


@pytest.mark.usefixtures("radeon")
def test_a_library_that_cannot_be_loaded_has_no_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> tuple[ComputeDevice, ...]:
        raise DeviceError("llama.cpp is installed but cannot be loaded")

    monkeypatch.setattr(llama_devices, "devices", fail)
    assert all_device_names() == ["cpu"]


@pytest.mark.process
@pytest.mark.slow
def test_drivers_are_opened_by_a_child_and_only_where_there_may_be_a_gpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert llama_devices.gpus_seen_by_a_child() == [
        device.in_recipes for device in llama_devices.llama_gpus()
    ]
    monkeypatch.setattr(llama_devices, "backends", lambda: frozenset(["cpu", "vulkan"]))
    monkeypatch.setattr(llama_devices, "_tell_gpus", _tell_two)
    assert llama_devices.gpus_seen_by_a_child() == ["vulkan:0", "vulkan:1"]
    monkeypatch.setattr(llama_devices, "_tell_gpus", _end_at_once)
    assert llama_devices.gpus_seen_by_a_child() == []


def _tell_two(connection: Connection) -> None:
    connection.send_bytes(b'["vulkan:0", "vulkan:1"]')


def _end_at_once(connection: Connection) -> None:
    os._exit(6)
