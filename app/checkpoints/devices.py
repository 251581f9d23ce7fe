"""Which devices this machine offers, and what to say when one is missing or full."""

from __future__ import annotations

import psutil
import torch

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


def free_bytes(device: str) -> int:
    """Memory that is free on ``device`` now."""
    if device == "cpu":
        return int(psutil.virtual_memory().available)
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def out_of_memory(action: str, device: str, needed: int | None = None) -> DeviceError:
    """The error to raise when ``action``, of ``needed`` bytes where that is known, did not fit."""
    size = "" if needed is None else f"needed {needed / 1e9:.1f} GB, "
    return DeviceError(
        f"The memory of {device} was not enough for {action}",
        evidence=f"{size}free {free_bytes(device) / 1e9:.1f} GB",
        next_step="Close other programs, or choose smaller models or another device.",
    )
