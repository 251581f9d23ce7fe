"""Devices of this machine: their names, their memory, and errors when memory runs out.

torch takes seconds to import. It is imported where this machine may have an accelerator, and not
before an accelerator is asked for.
"""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Iterator, Sequence

import psutil

from app.checkpoints.accelerator_drivers import may_have_accelerator
from app.checkpoints.engine_options import LLAMA_CPP, TRANSFORMERS
from app.checkpoints.host_memory import main_memory, memory_limit
from app.checkpoints.llama_devices import llama_device_names, llama_gpu
from app.decoding.llama_cpp.library import ComputeDevice
from app.errors import DeviceError
from app.wording import size

_ASKED = re.compile(r"(?:tried|unable) to allocate ([\d.]+) ?(bytes|[KMGT]i?B)", re.IGNORECASE)
_POWERS = "BKMGT"
_OF_TORCH = ("cpu", "cuda", "meta", "mps", "xpu")
_GPU = re.compile(r"\bGPU (\d+)\b")
_RAN_OUT = (
    "allocate memory",
    "not enough memory",
    "out of memory",  # CUDA, HIP, XPU and MPS, also where torch raises a plain RuntimeError
    "alloc_failed",  # cuBLAS, cuDNN and cuSPARSE handles that found no memory
)


def available_devices() -> list[str]:
    """Names of the devices that torch reports: accelerators first, ``cpu`` last."""
    if not may_have_accelerator():
        return ["cpu"]
    import torch

    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if accelerator is None:
        return ["cpu"]
    count = torch.accelerator.device_count()
    return [f"{accelerator.type}:{index}" for index in range(count)] + ["cpu"]


def all_device_names(of_llama: Sequence[str] | None = None) -> list[str]:
    """Names of the devices of all engines, ``cpu`` last.

    Args:
        of_llama: Names of the GPUs of llama.cpp, if they are known.
    """
    *of_torch, cpu = available_devices()
    gpus = llama_device_names() if of_llama is None else of_llama
    others = [name for name in gpus if name not in (*of_torch, cpu)]
    return [*of_torch, *others, cpu]


def resolve_device(name: str, engine: str = TRANSFORMERS) -> str:
    """The device that ``name`` means to an engine; ``auto`` is the first that it has.

    Raises:
        DeviceError: The engine has no such device on this machine.
    """
    available = llama_device_names() if engine == LLAMA_CPP else available_devices()
    if name == "auto":
        return available[0]
    if name in available:
        return name
    if f"{name}:0" in available:
        return f"{name}:0"
    if name in all_device_names():
        raise DeviceError(
            f"The engine {engine} does not compute on “{name}”",
            next_step=f"Use another engine for the role, or one of: {', '.join(available)}.",
        )
    raise DeviceError(
        f"This machine has no device “{name}”", next_step=f"It has: {', '.join(available)}."
    )


def hardware_name(device: str) -> str:
    """The product name of an accelerator, such as ``NVIDIA H100``; empty where it has none."""
    if gpu := _other_gpu(device):
        return gpu.description
    if device in ("cpu", "meta"):
        return ""
    import torch

    module = torch.get_device_module(torch.device(device).type)
    name_of = getattr(module, "get_device_name", None)  # MPS has none
    return str(name_of(device)) if name_of else ""


_BFLOAT16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")
"""Of x86, twice, and of ARM, as torch names them."""


def cpu_has_bfloat16() -> bool:
    """Whether the processor has instructions that multiply bfloat16, and torch uses them.

    With AVX-512 alone, oneDNN computes bfloat16, too, but several times slower than float32.
    """
    import torch

    if not torch.backends.mkldnn.is_available():  # such as on Apple silicon: its operators are none
        return False
    found = torch.cpu.get_capabilities()
    has_instructions = any(found.get(name, False) for name in _BFLOAT16_INSTRUCTIONS)
    return has_instructions and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def free_bytes(device: str) -> int:
    """Bytes that this process can still allocate on ``device``.

    On an accelerator, this includes memory that torch has reserved but does not use.
    """
    if device == "cpu":
        free = int(psutil.virtual_memory().available)
        limit = memory_limit()
        return free if limit is None else min(free, limit.free)
    if gpu := _other_gpu(device):
        return gpu.free
    import torch

    if device.startswith("mps"):  # Apple's GPUs share main memory, up to a limit
        bound = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        return max(0, min(bound, free_bytes("cpu")))
    free, _ = torch.accelerator.get_memory_info(device)
    unused = torch.accelerator.memory_reserved(device) - torch.accelerator.memory_allocated(device)
    return int(free + unused)


def total_bytes(device: str) -> int:
    """Bytes of memory of ``device``, up to the limit for this process."""
    if device == "cpu":
        return main_memory(memory_limit())
    if gpu := _other_gpu(device):
        return gpu.total
    import torch

    if device.startswith("mps"):
        return int(torch.mps.recommended_max_memory())
    return int(torch.accelerator.get_memory_info(device)[1])


def _other_gpu(device: str) -> ComputeDevice | None:
    """The GPU of that name, if it is one of llama.cpp that torch does not have."""
    of_torch = device.startswith(_OF_TORCH)
    return None if of_torch else llama_gpu(device)


def accelerator_bytes() -> int:
    """Bytes of memory of all accelerators that have a memory of their own, together."""
    shared = ("cpu", "mps")
    return sum(total_bytes(name) for name in available_devices() if not name.startswith(shared))


def out_of_memory(
    action: str,
    device: str,
    needed: int | None = None,
    error: BaseException | None = None,
    next_step: str = "Close other programs, or choose smaller models or another device.",
) -> DeviceError:
    """The error to raise when memory ran out during ``action``.

    Args:
        action: A description of the operation.
        device: The device whose memory is full, unless ``error`` names it.
        needed: Total bytes that the operation needs, if known.
        error: The exception of torch or NumPy, which may name the size of the failed allocation.
        next_step: The next step for the user.
    """
    device = exhausted_device(error) or device
    asked = _asked_bytes(error)
    said = [] if needed is None else [f"needed {size(needed)}"]
    if asked is not None:
        said.append(f"asked for {size(asked)}" if said else f"needed {size(asked)} more")
    return DeviceError(
        f"The memory of {device} was not enough for {action}",
        evidence=", ".join([*said, f"free {size(free_bytes(device))}"]),
        next_step=next_step,
    )


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether ``error`` or one of its causes means that memory ran out.

    Messages are compared as well, since torch has no exception class for it on a CPU.
    """
    torch = sys.modules.get("torch")  # where it was not imported, the error is not one of its own
    # Another thread may be importing it, so that it has no error class yet.
    kinds = (MemoryError, getattr(torch, "OutOfMemoryError", MemoryError))
    for behind in _behind(error):
        if isinstance(behind, kinds):
            return True
        if isinstance(behind, OSError) and behind.errno == errno.ENOMEM:
            return True
        said = str(behind).lower()
        if any(phrase in said for phrase in _RAN_OUT):
            return True
    return False


def exhausted_device(error: BaseException | None) -> str | None:
    """The device whose memory ran out, such as ``cpu`` or ``cuda:1``, or None if unknown."""
    for behind in _behind(error):
        on_host = isinstance(behind, MemoryError) or "DefaultCPUAllocator" in str(behind)
        if on_host or (isinstance(behind, OSError) and behind.errno == errno.ENOMEM):
            return "cpu"
        found = _GPU.search(str(behind))
        if found:
            return f"cuda:{found[1]}"
    return None


def _asked_bytes(error: BaseException | None) -> int | None:
    """The size of the failed allocation in bytes, if torch or NumPy reported it."""
    for behind in _behind(error):
        found = _ASKED.search(str(behind))
        if found:
            return int(float(found[1]) * 1024 ** _POWERS.index(found[2][0].upper()))
    return None


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
