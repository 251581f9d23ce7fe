"""Placement of layers on the device or, for roles with ``offload``, in main memory."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import infer_auto_device_map
from accelerate.utils import CustomDtype, compute_module_sizes
from transformers import AutoModelForCausalLM, PreTrainedModel

from app.checkpoints.devices import free_bytes
from app.checkpoints.loading.role_configuration import full_configuration
from app.checkpoints.opening import OpenedRole
from app.errors import DeviceError

_SHARE_FOR_WEIGHTS = 0.85  # the rest is for the KV cache, the logits and what kernels need
_MAIN_MEMORY = ("cpu", "mps")  # Apple's chips compute in the main memory


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the parts of a model go.

    Attributes:
        device_map: The device map of accelerate.
        offloaded: Share of the weights that stays in main memory, from 0 to 1.
    """

    device_map: dict[str, str]
    offloaded: float = 0.0


def place(role: OpenedRole, device: str) -> Placement:
    """Place all layers on ``device``, or those that fit if the role allows offload.

    Raises:
        DeviceError: The layers do not fit into the device and main memory together.
    """
    if not role.spec.offload or device.startswith(_MAIN_MEMORY):
        return Placement({"": device})
    return split(role, device, int(free_bytes(device) * _SHARE_FOR_WEIGHTS), free_bytes("cpu"))


def split(role: OpenedRole, device: str, room: int, main_memory: int) -> Placement:
    """Fill ``room`` bytes of ``device``, layer by layer, and put the rest into main memory."""
    with torch.device("meta"):
        model: PreTrainedModel = AutoModelForCausalLM.from_config(full_configuration(role))
    model.tie_weights()
    sizes: dict[str, Any] = _sizes_in_memory(role, model)
    index = int(device.partition(":")[2] or 0)  # accelerate counts accelerators
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of buffers, which are small and follow their layers
        found: dict[str, Any] = infer_auto_device_map(
            model,
            max_memory={index: room, "cpu": main_memory},
            no_split_module_classes=list(model._no_split_modules or ()),
            **sizes,
        )
    if "disk" in found.values():
        needed = compute_module_sizes(model, **sizes)[""]
        raise DeviceError(
            f"The {role.name} does not fit into {device} and the main memory together",
            evidence=f"needed {needed / 1e9:.1f} GB, free for weights {room / 1e9:.1f} GB "
            f"and {main_memory / 1e9:.1f} GB",
            next_step="Quantize it, close other programs, or choose a smaller model.",
        )
    parts = compute_module_sizes(model, **sizes)
    kept = sum(parts[name] for name, target in found.items() if target == "cpu")
    places = {name: device if target == index else str(target) for name, target in found.items()}
    return Placement(places, kept / parts[""] if parts[""] else 0.0)


def _sizes_in_memory(role: OpenedRole, model: PreTrainedModel) -> dict[str, Any]:
    """Sizes for accelerate: quantized layers small, all others in the requested dtype."""
    dtype = compute_dtype(role)
    if role.spec.quantization == "none":
        return {"dtype": dtype}
    packed = torch.int8 if role.spec.quantization == "int8" else CustomDtype.INT4
    head = model.get_output_embeddings()
    whole = {
        f"{name}.weight" if name else "weight": dtype
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Embedding) or module is head
    }
    return {"dtype": packed, "special_dtypes": whole}


def compute_dtype(role: OpenedRole) -> torch.dtype:
    """The dtype that the model of ``role`` computes in."""
    if role.spec.dtype != "auto":
        asked: torch.dtype = getattr(torch, role.spec.dtype)
        return asked
    stored = getattr(full_configuration(role), "dtype", None)
    return stored if isinstance(stored, torch.dtype) else torch.float32
