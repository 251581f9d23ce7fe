"""Which devices this machine offers, how much memory they have, and what to say of a full one."""

from __future__ import annotations

import errno

import psutil
import torch

from app.checkpoints.memory.host_memory import memory_limit
from app.errors import DeviceError


def available_devices() -> list[str]:
    """Names of the devices that torch reports, the fastest kind first and ``cpu`` last."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if accelerator is None:
        return ["cpu"]
    count = torch.accelerator.device_count()
    return [f"{accelerator.type}:{index}" for index in range(count)] + ["cpu"]


def resolve_device(name: str) -> str:
    """The device that ``name`` stands for; ``auto`` is the first of :func:`available_devices`.

    Raises:
        DeviceError: When this machine has no such device.
    """
    available = available_devices()
    if name == "auto":
        return available[0]
    if name in available:
        return name
    if f"{name}:0" in available:
        return f"{name}:0"
    raise DeviceError(
        f"This machine has no device “{name}”", next_step=f"It has: {', '.join(available)}."
    )


def hardware_name(device: str) -> str:
    """What the maker calls an accelerator, such as ``NVIDIA H100``; empty for the CPU."""
    return str(torch.cuda.get_device_name(device)) if device.startswith("cuda") else ""


def free_bytes(device: str) -> int:
    """Memory that this process can still take on ``device``.

    On an accelerator that includes what torch has reserved there and does not use.
    """
    if device == "cpu":
        free = int(psutil.virtual_memory().available)
        limit = memory_limit()
        return free if limit is None else min(free, limit.free)
    if device.startswith("mps"):  # Apple's chips share the main memory and bound the chip's part
        bound = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        return max(0, min(bound, free_bytes("cpu")))
    free, _ = torch.accelerator.get_memory_info(device)
    unused = torch.accelerator.memory_reserved(device) - torch.accelerator.memory_allocated(device)
    return int(free + unused)


def total_bytes(device: str) -> int:
    """Memory that ``device`` has, as far as this process may use it."""
    if device == "cpu":
        total = int(psutil.virtual_memory().total)
        limit = memory_limit()
        return total if limit is None else min(total, limit.total)
    if device.startswith("mps"):
        return int(torch.mps.recommended_max_memory())
    return int(torch.accelerator.get_memory_info(device)[1])


def out_of_memory(action: str, device: str, needed: int | None = None) -> DeviceError:
    """The error to raise when ``action``, of ``needed`` bytes where that is known, did not fit."""
    size = "" if needed is None else f"needed {needed / 1e9:.1f} GB, "
    return DeviceError(
        f"The memory of {device} was not enough for {action}",
        evidence=f"{size}free {free_bytes(device) / 1e9:.1f} GB",
        next_step="Close other programs, or choose smaller models or another device.",
    )


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether memory that ran out is behind ``error``; torch has no kind of its own for the CPU."""
    while error is not None:
        if isinstance(error, MemoryError | torch.OutOfMemoryError):
            return True
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return True
        said = str(error).lower()
        if "allocate memory" in said or "not enough memory" in said:
            return True
        error = error.__cause__ or error.__context__
    return False
