"""What a recipe takes in memory, from configurations and headers alone."""

from __future__ import annotations

from collections.abc import Mapping

from app.checkpoints.devices import free_bytes, resolve_device
from app.checkpoints.opening import OpenedRecipe
from app.checkpoints.report import DeviceMemory, MemoryEstimate, MemoryPart
from app.errors import DeviceError


def estimate_memory(opened: OpenedRecipe, about_to_be_freed: Mapping[str, int]) -> MemoryEstimate:
    """Estimate what ``opened`` takes on each device, and what would make it smaller."""
    parts: dict[str, list[MemoryPart]] = {}
    seen = set()
    for role in opened.roles:
        device = resolve_device(role.spec.device)
        key = (role.files.folder.resolve(), role.spec.dtype, device)
        if key not in seen:
            seen.add(key)
            size = role.files.weight_bytes
            parts.setdefault(device, []).append(MemoryPart(role.name, "weights", size))
    devices = []
    for device, held in parts.items():
        free = free_bytes(device) + about_to_be_freed.get(device, 0)
        needed = sum(part.size for part in held)
        devices.append(DeviceMemory(device, tuple(held), needed, free, free))
    return MemoryEstimate(opened.recipe.context, tuple(devices))


def does_not_fit(estimate: MemoryEstimate) -> DeviceError:
    """The error for a recipe that is too large for the memory that is free."""
    full = next(device for device in estimate.devices if not device.fits)
    return DeviceError(
        f"This recipe does not fit into the memory of {full.device}",
        evidence=f"needed {full.peak / 1e9:.1f} GB, free {full.free / 1e9:.1f} GB",
        next_step="Take one of the changes offered under Memory, or load it anyway.",
    )
