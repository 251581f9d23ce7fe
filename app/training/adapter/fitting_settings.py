"""Settings of a training changed so that it fits into the free memory."""

from __future__ import annotations

from dataclasses import replace

from app.checkpoints.devices import free_bytes, resolve_device
from app.checkpoints.memory.role_footprint import footprint_of
from app.checkpoints.opening import OpenedRole
from app.training.adapter.small_model import training_dtype
from app.training.plan.training_memory import TrainingMemory, estimate_memory, parameters_of
from app.training.plan.training_settings import TrainingSettings


def fitting_settings(
    role: OpenedRole, settings: TrainingSettings
) -> tuple[TrainingSettings, TrainingMemory]:
    """The settings with fewer examples computed at once, then recomputation, as memory is short.

    Returns:
        The first ones that fit, or else those that need least; and the memory that they need.
    """
    device = resolve_device(role.spec.device)
    free = free_bytes(device)
    smaller = [settings]
    while smaller[-1].batch_rows > 1:
        smaller.append(smaller[-1].with_fewer_rows())
    tried = [*smaller, replace(smaller[-1], recompute=True)]
    found = [(each, _memory(role, each, device, free)) for each in tried]
    return next((pair for pair in found if pair[1].fits), found[-1])


def _memory(role: OpenedRole, settings: TrainingSettings, device: str, free: int) -> TrainingMemory:
    footprint = footprint_of(role)
    text = role.config.get_text_config(decoder=True)
    return estimate_memory(
        footprint,
        int(getattr(text, "num_hidden_layers", 0) or 0),
        settings,
        dtype=training_dtype(role.spec, parameters_of(footprint), device),
        quantization=role.spec.quantization,
        device=device,
        free=free,
    )
