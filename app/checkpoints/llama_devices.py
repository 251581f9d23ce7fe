"""GPUs that llama.cpp computes on, by their names in recipes, such as ``vulkan:0``."""

from __future__ import annotations

import logging

from app.decoding.llama_cpp.library import ComputeDevice, devices, is_installed
from app.errors import DeviceError

_LOG = logging.getLogger(__name__)


def llama_gpus() -> tuple[ComputeDevice, ...]:
    """The GPUs that llama.cpp sees; none where it is not installed or cannot be loaded."""
    if not is_installed():
        return ()
    try:
        return tuple(device for device in devices() if device.is_gpu)
    except DeviceError as error:
        _LOG.warning("%s", error)
        return ()


def llama_gpu(name: str) -> ComputeDevice | None:
    """The GPU of llama.cpp with that name in recipes, or None."""
    return next((gpu for gpu in llama_gpus() if gpu.in_recipes == name), None)


def llama_device_names() -> list[str]:
    """Names of the devices of llama.cpp: GPUs first, ``cpu`` last."""
    return [*(gpu.in_recipes for gpu in llama_gpus()), "cpu"]
